// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package s3

import (
	"encoding/base64"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/hoist-dev/hoist/cachenode"
)

// checksum picks one of the checksums that an object has: CRC64NVME, which is always
// of the whole object, before the others, and they by what they cost to compute.
// What is not a checksum by its length is none.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
func checksum(out *s3.HeadObjectOutput) cachenode.Checksum {
	for _, c := range []struct {
		algorithm string
		value     *string
		bytes     int
	}{
		{"CRC64NVME", out.ChecksumCRC64NVME, 8},
		{"CRC32C", out.ChecksumCRC32C, 4},
		{"CRC32", out.ChecksumCRC32, 4},
		{"SHA256", out.ChecksumSHA256, 32},
		{"SHA1", out.ChecksumSHA1, 20},
	} {
		value, _, suffixed := strings.Cut(aws.ToString(c.value), "-")
		if raw, err := base64.StdEncoding.DecodeString(value); err != nil || len(raw) != c.bytes {
			continue
		}
		return cachenode.Checksum{
			Algorithm: c.algorithm,
			Composite: suffixed || out.ChecksumType == types.ChecksumTypeComposite,
			Value:     value,
		}
	}
	return cachenode.Checksum{}
}
