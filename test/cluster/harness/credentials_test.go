// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"crypto/x509"
	"encoding/pem"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/hoist-dev/hoist/test/cluster/network"
)

// credentials are those of a cluster with two nodes.
func credentials(t *testing.T) *Cluster {
	t.Helper()
	c := &Cluster{dir: t.TempDir(), state: state{Name: "a", Network: network.Plan{Slot: 3}, Ports: fixedPorts}}
	if err := c.writeCredentials(2); err != nil {
		t.Fatal(err)
	}
	return c
}

func certificate(t *testing.T, text []byte) *x509.Certificate {
	t.Helper()
	block, _ := pem.Decode(text)
	if block == nil {
		t.Fatalf("no PEM: %s", text)
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// Kubernetes' own roles name users and groups: a part that had another identity could do nothing, or everything.
func TestCredentials_EachPartIsWhoItsRoleNames(t *testing.T) {
	t.Parallel()
	c := credentials(t)
	if got := c.REST().Host; got != "https://198.18.48.2:6443" {
		t.Errorf("the API server is looked for at %s", got)
	}
	roots := x509.NewCertPool()
	roots.AddCert(certificate(t, read(t, c.pki("ca.crt"))))
	for path, want := range map[string]string{
		c.Kubeconfig():                  "admin/system:masters",
		c.pki("controller-manager.yml"): "system:kube-controller-manager/",
		c.pki("scheduler.yml"):          "system:kube-scheduler/",
		c.pki("proxy.yml"):              "system:kube-proxy/",
		c.pki("node1.yml"):              "system:node:node1/system:nodes",
		c.pki("node2.yml"):              "system:node:node2/system:nodes",
	} {
		config, err := clientcmd.BuildConfigFromFlags("", path)
		if err != nil {
			t.Fatal(err)
		}
		user := certificate(t, config.CertData)
		if got := user.Subject.CommonName + "/" + strings.Join(user.Subject.Organization, ","); got != want || config.Host != c.server() {
			t.Errorf("%s: %s at %s, want %s at %s", path, got, config.Host, want, c.server())
		}
		if _, err := user.Verify(x509.VerifyOptions{Roots: roots, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestCredentials_ServersHaveTheNamesTheyAreCalledBy(t *testing.T) {
	t.Parallel()
	c := credentials(t)
	for _, test := range []struct {
		path, authority string
		hosts           []string
	}{
		{c.pki("apiserver.crt"), "ca.crt", []string{"127.0.0.1", "198.18.48.2", network.KubernetesIP, "kubernetes.default.svc"}},
		{c.pki("addon.crt"), "ca.crt", []string{"198.18.48.2"}},
		{filepath.Join(c.nodeConfig(0), "kubelet.crt"), "ca.crt", []string{"node1", "198.18.48.11"}},
		{filepath.Join(c.nodeConfig(1), "kubelet.crt"), "ca.crt", []string{"node2", "198.18.48.12"}},
		{c.pki("proxy-client.crt"), "front-proxy.crt", []string{""}}, // whoever has this may speak for any user
	} {
		leaf := certificate(t, read(t, test.path))
		for _, authority := range []string{"ca.crt", "front-proxy.crt"} {
			roots := x509.NewCertPool()
			roots.AddCert(certificate(t, read(t, c.pki(authority))))
			for _, host := range test.hosts {
				_, err := leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: host})
				if (err == nil) != (authority == test.authority) {
					t.Errorf("%s as %q by %s: %v", test.path, host, authority, err)
				}
			}
		}
	}
}

func TestCredentials_AreForTheirOwnerAlone(t *testing.T) {
	t.Parallel()
	files := 0
	err := filepath.WalkDir(credentials(t).dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		files++
		info, err := entry.Info()
		if err == nil && info.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %v, want 0600", path, info.Mode())
		}
		return err
	})
	if err != nil || files == 0 {
		t.Errorf("%d files, %v", files, err)
	}
}
