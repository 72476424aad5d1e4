// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package s3

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awscredentials "github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/hoist-dev/hoist/cachenode"
	"github.com/hoist-dev/hoist/test/s3test/versity"
)

// The promises against a real server: pinning, versions, checksums of every kind,
// replacement, deletion, wrong credentials and a real HEAD without a reason.
func TestSource_OnVersitygw(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a server")
	}
	server, err := versity.Start(t.Context(), versity.Config{
		Bin: versity.Build(t), Dir: t.TempDir(), AccessKey: "AKIDTEST", SecretKey: "secretsecret", Region: "us-east-1", Versioning: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Stop() })
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	client := s3.New(s3.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(server.Endpoint()), UsePathStyle: true, HTTPClient: &http.Client{Transport: transport},
		Credentials: awscredentials.NewStaticCredentialsProvider("AKIDTEST", "secretsecret", ""),
	})
	for _, bucket := range []string{"b", "bversions"} {
		bucket = "hoist-" + bucket
		if _, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &bucket}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := client.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{
		Bucket: aws.String("hoist-bversions"), VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled},
	}); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIDTEST")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secretsecret")
	t.Setenv("AWS_ENDPOINT_URL_S3", server.Endpoint())
	src, err := New(t.Context(), Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = src.Close() })
	v := versityTest{t, client, src}
	t.Run("checksums", v.checksums)          //nolint:paralleltest // see above
	t.Run("composite checksum", v.composite) //nolint:paralleltest // see above
	t.Run("replacement", v.replacement)      //nolint:paralleltest // see above
	t.Run("versions", v.versions)            //nolint:paralleltest // see above
	t.Run("names", v.names)                  //nolint:paralleltest // see above
	t.Run("wrong key", v.wrongKey)           //nolint:paralleltest // see above
}

type versityTest struct {
	t      *testing.T
	client *s3.Client
	src    *Source
}

func (v versityTest) put(t *testing.T, bucket, key string, data []byte, kind types.ChecksumAlgorithm) {
	t.Helper()
	if _, err := v.client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: bytes.NewReader(data), ChecksumAlgorithm: kind}); err != nil {
		t.Fatal(err)
	}
}

func (v versityTest) resolve(t *testing.T, uri string) cachenode.Manifest {
	t.Helper()
	m, err := v.src.Resolve(t.Context(), ref(t, uri), cachenode.Selection{})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func (v versityTest) read(t *testing.T, m cachenode.Manifest, r cachenode.Range) ([]byte, error) {
	t.Helper()
	body, err := v.src.Open(t.Context(), m.Origin, m.Files[0], r)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	data := make([]byte, r.Len)
	_, err = io.ReadFull(body, data)
	return data, err
}

func (v versityTest) checksums(t *testing.T) {
	for _, kind := range []types.ChecksumAlgorithm{"CRC64NVME", "CRC32C", "CRC32", "SHA256", "SHA1"} {
		v.put(t, "hoist-b", "sums-"+strings.ToLower(string(kind))+"/k", content(5000), kind)
		m := v.resolve(t, "s3://hoist-b/sums-"+strings.ToLower(string(kind)))
		if c := m.Files[0].Source.Checksum; c.Algorithm != string(kind) || c.Composite {
			t.Errorf("%s: %+v", kind, c)
		}
		got, err := v.read(t, m, cachenode.Range{Off: 1000, Len: 3000})
		if err != nil || !bytes.Equal(got, content(5000)[1000:4000]) {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

func (v versityTest) composite(t *testing.T) {
	bucket, key := aws.String("hoist-b"), aws.String("parts/k")
	upload, err := v.client.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{
		Bucket: bucket, Key: key, ChecksumAlgorithm: types.ChecksumAlgorithmSha256, ChecksumType: types.ChecksumTypeComposite,
	})
	if err != nil {
		t.Fatal(err)
	}
	data := content(11 << 20)
	var done []types.CompletedPart
	for i, part := range [][]byte{data[:5<<20], data[5<<20 : 10<<20], data[10<<20:]} {
		out, err := v.client.UploadPart(t.Context(), &s3.UploadPartInput{
			Bucket: bucket, Key: key, UploadId: upload.UploadId, PartNumber: aws.Int32(int32(i) + 1),
			Body: bytes.NewReader(part), ChecksumAlgorithm: types.ChecksumAlgorithmSha256,
		})
		if err != nil {
			t.Fatal(err)
		}
		done = append(done, types.CompletedPart{ETag: out.ETag, PartNumber: aws.Int32(int32(i) + 1), ChecksumSHA256: out.ChecksumSHA256})
	}
	if _, err := v.client.CompleteMultipartUpload(t.Context(), &s3.CompleteMultipartUploadInput{
		Bucket: bucket, Key: key, UploadId: upload.UploadId, MultipartUpload: &types.CompletedMultipartUpload{Parts: done},
	}); err != nil {
		t.Fatal(err)
	}
	f := v.resolve(t, "s3://hoist-b/parts").Files[0]
	if !f.Source.Checksum.Composite || f.Source.Checksum.Algorithm != "SHA256" {
		t.Errorf("%+v", f)
	}
	if f.Parts != nil && !slices.Equal(f.Parts, []int64{5 << 20, 5 << 20, 1 << 20}) {
		t.Errorf("parts %v", f.Parts)
	}
	t.Logf("parts %v", f.Parts)
}

func (v versityTest) replacement(t *testing.T) {
	v.put(t, "hoist-b", "r/k", content(5000), types.ChecksumAlgorithmCrc32c)
	m := v.resolve(t, "s3://hoist-b/r")
	v.put(t, "hoist-b", "r/k", bytes.Repeat([]byte{7}, 5000), types.ChecksumAlgorithmCrc32c)
	if _, err := v.read(t, m, cachenode.Range{Len: 10}); cachenode.KindOf(err) != cachenode.ErrChanged {
		t.Errorf("replaced: %v", err)
	}
	if _, err := v.client.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String("hoist-b"), Key: aws.String("r/k")}); err != nil {
		t.Fatal(err)
	}
	if _, err := v.read(t, m, cachenode.Range{Len: 10}); cachenode.KindOf(err) != cachenode.ErrChanged {
		t.Errorf("deleted: %v", err)
	}
}

func (v versityTest) versions(t *testing.T) {
	v.put(t, "hoist-bversions", "m/k", content(5000), types.ChecksumAlgorithmCrc64nvme)
	old := v.resolve(t, "s3://hoist-bversions/m")
	if old.Files[0].Source.VersionID == "" {
		t.Fatal("no version is pinned")
	}
	v.put(t, "hoist-bversions", "m/k", bytes.Repeat([]byte{7}, 5000), types.ChecksumAlgorithmCrc64nvme)
	got, err := v.read(t, old, cachenode.Range{Len: 5000})
	if err != nil || !bytes.Equal(got, content(5000)) {
		t.Errorf("the pinned version: %v", err)
	}
	one := v.resolve(t, "s3://hoist-bversions/m/k?versionId="+old.Files[0].Source.VersionID)
	if one.Revision() != old.Revision() {
		t.Errorf("%+v\n%+v", one, old)
	}
}

func (v versityTest) names(t *testing.T) {
	for _, key := range []string{"n/a b+c/ü%41.json", "n/x/y", "n-other/z"} {
		v.put(t, "hoist-b", key, []byte("x"), types.ChecksumAlgorithmCrc32)
	}
	if got := paths(v.resolve(t, "s3://hoist-b/n")); got != "a b+c/ü%41.json x/y" {
		t.Errorf("%q", got)
	}
	for _, uri := range []string{"s3://hoist-b/none", "s3://hoist-b/n-", "s3://hoist-nobucket/n"} {
		if _, err := v.src.Resolve(t.Context(), ref(t, uri), cachenode.Selection{}); cachenode.KindOf(err) != cachenode.ErrNotFound {
			t.Errorf("%s: %v", uri, err)
		}
	}
}

func (v versityTest) wrongKey(t *testing.T) {
	v.put(t, "hoist-b", "w/k", content(10), types.ChecksumAlgorithmCrc32)
	m := v.resolve(t, "s3://hoist-b/w")
	for _, pair := range [][2]string{{"AKIDTEST", "wrong"}, {"nobody", "secretsecret"}} {
		t.Setenv("AWS_ACCESS_KEY_ID", pair[0])
		t.Setenv("AWS_SECRET_ACCESS_KEY", pair[1])
		wrong, err := New(t.Context(), Config{})
		if err != nil {
			t.Fatal(err)
		}
		_, listing := wrong.Resolve(t.Context(), ref(t, "s3://hoist-b/w"), cachenode.Selection{})
		_, heading := wrong.head(t.Context(), "hoist-b", "w/k", "")
		_, opening := wrong.Open(t.Context(), m.Origin, m.Files[0], cachenode.Range{Len: 1})
		for _, err := range []error{listing, heading, opening} {
			if !errors.Is(err, cachenode.ErrDenied) || !strings.Contains(err.Error(), "AWS_PROFILE") {
				t.Errorf("%s: %v", pair[0], err)
			}
		}
		_ = wrong.Close()
	}
}
