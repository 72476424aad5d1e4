// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package origin

import (
	"context"
	"errors"
	"fmt"

	"github.com/hoist-dev/hoist/cachenode"
	"github.com/hoist-dev/hoist/cachenode/source/s3"
)

// store is an object store that speaks S3's protocol under a scheme of its own.
type store struct {
	endpoint    string // with %s for the region; "" has to be said
	virtualHost bool   // the bucket is part of the host name
}

// stores are those whose endpoint follows from the region, as their documentation has it: that of Google Cloud Storage
// (https://cloud.google.com/storage/docs/interoperability), Alibaba Cloud OSS, Tencent COS, Huawei OBS and Backblaze B2.
func stores() map[string]store {
	return map[string]store{
		"minio": {},
		"gs":    {endpoint: "https://storage.googleapis.com"},
		"oss":   {endpoint: "https://s3.oss-%s.aliyuncs.com", virtualHost: true},
		"cos":   {endpoint: "https://cos.%s.myqcloud.com", virtualHost: true},
		"obs":   {endpoint: "https://obs.%s.myhuaweicloud.com", virtualHost: true},
		"b2":    {endpoint: "https://s3.%s.backblazeb2.com"},
	}
}

// openStore opens a store by S3's protocol: ETags and checksums make an identity that the stores' own protocols, as libraries show
// them, do not.
func openStore(ctx context.Context, o Options, a Access) (cachenode.Source, error) {
	kind := stores()[a.Scheme]
	c := s3Config(o, a)
	c.Scheme = a.Scheme
	if c.Endpoint == "" && kind.endpoint != "" {
		c.Endpoint = kind.endpoint
		if kind.endpoint != stores()["gs"].endpoint {
			if a.Region == "" {
				return deferred{missing(a.Scheme, "region")}, nil
			}
			c.Endpoint = fmt.Sprintf(kind.endpoint, a.Region)
		}
	}
	if c.Endpoint == "" {
		return deferred{missing(a.Scheme, "endpoint")}, nil
	}
	pathStyle := !kind.virtualHost
	c.PathStyle = &pathStyle
	return s3.New(ctx, c)
}

func missing(scheme, what string) error {
	return &cachenode.Error{Kind: cachenode.ErrInvalid, Op: "open", Subject: scheme + "://", Err: errors.New("its " + what + " is not known"),
		Hint: "say it with --" + what + ", or in spec.s3." + what}
}
