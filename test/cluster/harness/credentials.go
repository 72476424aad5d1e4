// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/hoist-dev/hoist/test/cluster/network"
	"github.com/hoist-dev/hoist/test/cluster/pki"
)

func (c *Cluster) pki(file string) string { return filepath.Join(c.dir, "pki", file) }

// host is where the control plane is reached.
func (c *Cluster) host() string {
	if len(c.state.Nodes) == 0 && c.state.Ports != fixedPorts {
		return "127.0.0.1"
	}
	return c.state.Network.Hub().String()
}

func (c *Cluster) server() string {
	return "https://" + net.JoinHostPort(c.host(), strconv.Itoa(c.state.Ports.API))
}

// writeCredentials makes an identity for each part, with the user and groups that Kubernetes' own roles name: rights are
// enforced as on any other cluster.
func (c *Cluster) writeCredentials(nodes int) error {
	if err := os.MkdirAll(c.pki(""), 0o700); err != nil {
		return err
	}
	ca, err := pki.NewAuthority("kubernetes")
	if err != nil {
		return err
	}
	frontProxy, err := pki.NewAuthority("front-proxy")
	if err != nil {
		return err
	}
	if err := c.writeFiles(ca, frontProxy); err != nil {
		return err
	}
	if err := c.writePairs(ca, frontProxy); err != nil {
		return err
	}
	users := map[string]pki.Subject{
		c.Kubeconfig():                  {Name: "admin", Organizations: []string{"system:masters"}},
		c.pki("controller-manager.yml"): {Name: "system:kube-controller-manager"},
		c.pki("scheduler.yml"):          {Name: "system:kube-scheduler"},
		c.pki("proxy.yml"):              {Name: "system:kube-proxy"},
	}
	for i := range nodes {
		name := nodeName(i + 1)
		users[c.pki(name+".yml")] = pki.Subject{Name: "system:node:" + name, Organizations: []string{"system:nodes"}}
	}
	for path, user := range users {
		if err := c.writeKubeconfig(path, ca, user); err != nil {
			return fmt.Errorf("write the kubeconfig of %s: %w", user.Name, err)
		}
	}
	c.rest, err = clientcmd.BuildConfigFromFlags("", c.Kubeconfig())
	if err != nil {
		return err
	}
	c.rest.QPS, c.rest.Burst = 1000, 2000
	return c.issueKubelets(ca, nodes)
}

func (c *Cluster) writeFiles(ca, frontProxy pki.Authority) error {
	private, public, err := pki.NewSigningKey()
	if err != nil {
		return err
	}
	for name, content := range map[string][]byte{
		"ca.crt":          ca.CertPEM,
		"front-proxy.crt": frontProxy.CertPEM,
		"sa.key":          private,
		"sa.pub":          public,
	} {
		if err := os.WriteFile(c.pki(name), content, 0o600); err != nil {
			return err
		}
	}
	return nil
}

func (c *Cluster) writePairs(ca, frontProxy pki.Authority) error {
	for name, from := range map[string]struct {
		authority pki.Authority
		subject   pki.Subject
	}{
		"apiserver": {ca, pki.Subject{Name: "kube-apiserver", Hosts: []string{
			"localhost", "127.0.0.1", c.host(), network.KubernetesIP, "kubernetes", "kubernetes.default", "kubernetes.default.svc",
		}}},
		"kubelet-client": {ca, pki.Subject{Name: "kube-apiserver-kubelet-client", Organizations: []string{"system:masters"}}},
		"proxy-client":   {frontProxy, pki.Subject{Name: "front-proxy-client"}},
		// For what runs beside the control plane and talks TLS.
		"addon": {ca, pki.Subject{Name: "addon", Hosts: []string{"localhost", "127.0.0.1", c.host()}}},
	} {
		pair, err := from.authority.Issue(from.subject)
		if err != nil {
			return err
		}
		if err := pair.Write(c.pki(""), name); err != nil {
			return err
		}
	}
	return nil
}

func (c *Cluster) issueKubelets(ca pki.Authority, nodes int) error {
	for i := range nodes {
		name := nodeName(i + 1)
		pair, err := ca.Issue(pki.Subject{
			Name:          "system:node:" + name,
			Organizations: []string{"system:nodes"},
			Hosts:         []string{name, c.state.Network.Node(i + 1).String()},
		})
		if err != nil {
			return err
		}
		if err := os.MkdirAll(c.nodeConfig(i), 0o755); err != nil {
			return err
		}
		if err := pair.Write(c.nodeConfig(i), "kubelet"); err != nil {
			return err
		}
	}
	return nil
}

func (c *Cluster) writeKubeconfig(path string, ca pki.Authority, user pki.Subject) error {
	pair, err := ca.Issue(user)
	if err != nil {
		return err
	}
	const name = "hoist-test"
	config := clientcmdapi.NewConfig()
	config.Clusters[name] = &clientcmdapi.Cluster{Server: c.server(), CertificateAuthorityData: ca.CertPEM}
	config.AuthInfos[name] = &clientcmdapi.AuthInfo{ClientCertificateData: pair.Cert, ClientKeyData: pair.Key}
	config.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: name}
	config.CurrentContext = name
	return clientcmd.WriteToFile(*config, path)
}
