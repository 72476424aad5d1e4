// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"context"
	"crypto/rand"
	"net"
	"os"
	"path/filepath"
	"strconv"
)

// S3 says how to reach the cluster's S3 server.
type S3 struct {
	Endpoint  string `json:"endpoint"`
	Region    string `json:"region"`
	AccessKey string `json:"accessKey"`
	SecretKey string `json:"secretKey"`
}

// S3 is the zero value when the cluster has no S3 server.
func (c *Cluster) S3() S3 { return c.state.S3 }

func (c *Cluster) startS3(ctx context.Context) error {
	data, meta := filepath.Join(c.dir, "s3", "data"), filepath.Join(c.dir, "s3", "meta")
	for _, folder := range []string{data, meta} {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return err
		}
	}
	address := c.address(c.state.Ports.S3)
	server := S3{Endpoint: "http://" + address, Region: "us-east-1", AccessKey: "hoist-test", SecretKey: rand.Text()}
	if err := c.update(func(s *state) { s.S3 = server }); err != nil {
		return err
	}
	// By environment, so that no list of processes shows them.
	credentials := []string{"ROOT_ACCESS_KEY=" + server.AccessKey, "ROOT_SECRET_KEY=" + server.SecretKey}
	service := addon("s3", c.tools.Versity, credentials,
		"--port="+address, "--region="+server.Region, "--keep-alive", "--quiet", "posix", "--sidecar="+meta, data)
	return run(ctx, c.state.Hub, service, func(ctx context.Context) error { return dial(ctx, address) })
}

// address is one of the hub's, which pods and this computer can reach.
func (c *Cluster) address(port int) string { return net.JoinHostPort(c.host(), strconv.Itoa(port)) }

func dial(ctx context.Context, address string) error {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	return conn.Close()
}
