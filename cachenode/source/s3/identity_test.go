// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package s3

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/hoist-dev/hoist/cachenode"
)

func TestChecksum_PicksOneAndKnowsItsKind(t *testing.T) {
	t.Parallel()
	const c4, c8, c20, c32 = "AAAAAA==", "AAAAAAAAAAA=", "AAAAAAAAAAAAAAAAAAAAAAAAAAA=", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
	full, composite := types.ChecksumTypeFullObject, types.ChecksumTypeComposite
	for name, row := range map[string]struct {
		out  s3.HeadObjectOutput
		want cachenode.Checksum
	}{
		"none":                {s3.HeadObjectOutput{}, cachenode.Checksum{}},
		"CRC64NVME":           {s3.HeadObjectOutput{ChecksumCRC64NVME: aws.String(c8), ChecksumType: full}, cachenode.Checksum{Algorithm: "CRC64NVME", Value: c8}},
		"CRC32C":              {s3.HeadObjectOutput{ChecksumCRC32C: aws.String(c4), ChecksumType: full}, cachenode.Checksum{Algorithm: "CRC32C", Value: c4}},
		"CRC32":               {s3.HeadObjectOutput{ChecksumCRC32: aws.String(c4)}, cachenode.Checksum{Algorithm: "CRC32", Value: c4}},
		"SHA256":              {s3.HeadObjectOutput{ChecksumSHA256: aws.String(c32)}, cachenode.Checksum{Algorithm: "SHA256", Value: c32}},
		"SHA1":                {s3.HeadObjectOutput{ChecksumSHA1: aws.String(c20)}, cachenode.Checksum{Algorithm: "SHA1", Value: c20}},
		"composite":           {s3.HeadObjectOutput{ChecksumSHA256: aws.String(c32 + "-3"), ChecksumType: composite}, cachenode.Checksum{Algorithm: "SHA256", Composite: true, Value: c32}},
		"composite, no type":  {s3.HeadObjectOutput{ChecksumCRC32C: aws.String(c4 + "-3")}, cachenode.Checksum{Algorithm: "CRC32C", Composite: true, Value: c4}},
		"composite, no count": {s3.HeadObjectOutput{ChecksumCRC32C: aws.String(c4), ChecksumType: composite}, cachenode.Checksum{Algorithm: "CRC32C", Composite: true, Value: c4}},
		"several":             {s3.HeadObjectOutput{ChecksumSHA1: aws.String(c20), ChecksumCRC64NVME: aws.String(c8), ChecksumCRC32: aws.String(c4)}, cachenode.Checksum{Algorithm: "CRC64NVME", Value: c8}},
		"no checksum at all":  {s3.HeadObjectOutput{ChecksumCRC32C: aws.String(c8), ChecksumSHA1: aws.String("%%%")}, cachenode.Checksum{}},
	} {
		if got := checksum(&row.out); got != row.want {
			t.Errorf("%s: %+v, want %+v", name, got, row.want)
		}
	}
}

// What composite checksums need: the sizes of the parts, from whoever tells them.
func TestResolve_LearnsThePartsOfACompositeChecksum(t *testing.T) {
	t.Parallel()
	listed := func(sizes ...int64) func(w http.ResponseWriter, r *http.Request) {
		return func(w http.ResponseWriter, r *http.Request) { // two parts in a page
			from, _ := strconv.Atoi(r.Header.Get("X-Amz-Part-Number-Marker"))
			to := min(from+2, len(sizes))
			fmt.Fprintf(w, "<GetObjectAttributesResponse><ObjectParts><IsTruncated>%t</IsTruncated><NextPartNumberMarker>%d</NextPartNumberMarker>", to < len(sizes), to)
			for i := from; i < to; i++ {
				fmt.Fprintf(w, "<Part><PartNumber>%d</PartNumber><Size>%d</Size></Part>", i+1, sizes[i])
			}
			fmt.Fprint(w, "</ObjectParts></GetObjectAttributesResponse>")
		}
	}
	denied := func(w http.ResponseWriter, _ *http.Request) { refuse(w, 403, "AccessDenied", "") }
	for name, row := range map[string]struct {
		attributes func(w http.ResponseWriter, r *http.Request)
		probed     []int64 // what HEAD with a part number says
		want       []int64
	}{
		"listed":                      {listed(40, 30, 20, 10), nil, []int64{40, 30, 20, 10}},
		"listed, wrong sum":           {listed(40, 30), []int64{50, 50}, []int64{50, 50}},
		"denied, probed":              {denied, []int64{40, 40, 20}, []int64{40, 40, 20}},
		"denied, uneven":              {denied, []int64{40, 10, 50}, nil},
		"not implemented, not probed": {func(w http.ResponseWriter, _ *http.Request) { refuse(w, 501, "NotImplemented", "") }, nil, nil},
		"listed without sizes":        {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<GetObjectAttributesResponse/>") }, []int64{100}, []int64{100}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := object{data: content(100), header: map[string]string{"X-Amz-Checksum-Crc32c": "AAAAAA==-3", "X-Amz-Checksum-Type": "COMPOSITE"}}
			stub := newStub(t, map[string]object{"m/a": o})
			stub.hook = func(w http.ResponseWriter, r *http.Request) bool {
				part, _ := strconv.Atoi(r.URL.Query().Get("partNumber"))
				switch {
				case r.URL.Query().Has("attributes"):
					row.attributes(w, r)
				case part > 0 && part <= len(row.probed):
					w.Header().Set("X-Amz-Mp-Parts-Count", strconv.Itoa(len(row.probed)))
					w.Header().Set("Content-Length", fmt.Sprint(row.probed[part-1]))
					w.WriteHeader(http.StatusPartialContent)
				case part > 0:
					w.WriteHeader(http.StatusBadRequest)
				default:
					return false
				}
				return true
			}
			m, err := stub.source().Resolve(t.Context(), ref(t, "s3://b/m"), cachenode.Selection{})
			if err != nil || !slices.Equal(m.Files[0].Parts, row.want) {
				t.Errorf("%v, %v, want %v", m.Files, err, row.want)
			}
		})
	}
}
