// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hoist-dev/hoist/test/cluster/machine"
	"github.com/hoist-dev/hoist/test/cluster/network"
)

// startControlPlane starts its four parts and returns when all of them answer.
func (c *Cluster) startControlPlane(ctx context.Context, options Options) error {
	client, err := c.Client()
	if err != nil {
		return err
	}
	if err := c.state.Hub.Start(ctx, c.etcd()); err != nil {
		return err
	}
	err = run(ctx, c.state.Hub, c.apiServer(), func(ctx context.Context) error {
		return client.Discovery().RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
	})
	if err != nil {
		return err
	}
	if err := c.state.Hub.Start(ctx, c.scheduler()); err != nil {
		return err
	}
	return run(ctx, c.state.Hub, c.controllerManager(options.nodeGrace()), func(ctx context.Context) error {
		// The last that it makes before there can be pods.
		_, err := client.CoreV1().ServiceAccounts(metav1.NamespaceDefault).Get(ctx, "default", metav1.GetOptions{})
		return err
	})
}

// kube is a service that is a part of Kubernetes.
func (c *Cluster) kube(part string, arguments ...string) machine.Service {
	return machine.Service{Name: part, Argv: append([]string{c.tools.Kube, part}, arguments...), Env: environment()}
}

func (c *Cluster) etcdURL(port int) string { return "http://127.0.0.1:" + strconv.Itoa(port) }

func (c *Cluster) etcd() machine.Service {
	return c.kube("etcd",
		"--data-dir="+filepath.Join(c.dir, "etcd"),
		"--client-url="+c.etcdURL(c.state.Ports.EtcdClient),
		"--peer-url="+c.etcdURL(c.state.Ports.EtcdPeer))
}

func (c *Cluster) apiServer() machine.Service {
	return c.kube("kube-apiserver",
		"--etcd-servers="+c.etcdURL(c.state.Ports.EtcdClient),
		"--bind-address="+c.host(),
		"--advertise-address="+c.advertise(),
		"--secure-port="+strconv.Itoa(c.state.Ports.API),
		"--tls-cert-file="+c.pki("apiserver.crt"),
		"--tls-private-key-file="+c.pki("apiserver.key"),
		"--client-ca-file="+c.pki("ca.crt"),
		"--service-account-key-file="+c.pki("sa.pub"),
		"--service-account-signing-key-file="+c.pki("sa.key"),
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-cluster-ip-range="+network.ServiceCIDR,
		"--authorization-mode=Node,RBAC",
		"--enable-admission-plugins=NodeRestriction",
		"--allow-privileged=true",
		"--kubelet-client-certificate="+c.pki("kubelet-client.crt"),
		"--kubelet-client-key="+c.pki("kubelet-client.key"),
		"--kubelet-certificate-authority="+c.pki("ca.crt"),
		"--kubelet-preferred-address-types=InternalIP",
		// Aggregated APIs and webhooks are called at the addresses of their endpoints: the hub has no kube-proxy.
		"--enable-aggregator-routing=true",
		"--requestheader-client-ca-file="+c.pki("front-proxy.crt"),
		"--requestheader-allowed-names=front-proxy-client",
		"--requestheader-username-headers=X-Remote-User",
		"--requestheader-group-headers=X-Remote-Group",
		"--requestheader-extra-headers-prefix=X-Remote-Extra-",
		"--proxy-client-cert-file="+c.pki("proxy-client.crt"),
		"--proxy-client-key-file="+c.pki("proxy-client.key"),
		"--max-requests-inflight=2000",
		"--max-mutating-requests-inflight=1000")
}

// advertise is the address that the service kubernetes leads to. Endpoints may not be on loopback, so without nodes, when
// nobody uses it, it is one that leads nowhere (RFC 5737).
func (c *Cluster) advertise() string {
	if host := c.host(); host != "127.0.0.1" {
		return host
	}
	return "192.0.2.1"
}

// controllerManager takes nodes that say nothing for nodeGrace to be lost.
func (c *Cluster) controllerManager(nodeGrace time.Duration) machine.Service {
	config := c.pki("controller-manager.yml")
	return c.kube("kube-controller-manager",
		"--kubeconfig="+config,
		"--authentication-kubeconfig="+config,
		"--authorization-kubeconfig="+config,
		"--bind-address=127.0.0.1",
		"--secure-port="+strconv.Itoa(c.state.Ports.ControllerManager),
		"--leader-elect=false",
		"--use-service-account-credentials=true",
		"--service-account-private-key-file="+c.pki("sa.key"),
		"--root-ca-file="+c.pki("ca.crt"),
		"--flex-volume-plugin-dir="+filepath.Join(c.dir, "volume-plugins"), // else it makes one below /usr
		// A test waits for what these do, in seconds instead of minutes.
		"--node-monitor-period=1s",
		"--node-monitor-grace-period="+nodeGrace.String(),
		"--horizontal-pod-autoscaler-sync-period=2s",
		"--horizontal-pod-autoscaler-downscale-stabilization=5s",
		// The default of 20 requests a second is what bounds a thousand simulated nodes.
		"--kube-api-qps=1000", "--kube-api-burst=2000")
}

func (c *Cluster) scheduler() machine.Service {
	config := c.pki("scheduler.yml")
	return c.kube("kube-scheduler",
		"--kubeconfig="+config,
		"--authentication-kubeconfig="+config,
		"--authorization-kubeconfig="+config,
		"--bind-address=127.0.0.1",
		"--secure-port="+strconv.Itoa(c.state.Ports.Scheduler),
		"--leader-elect=false",
		"--kube-api-qps=1000", "--kube-api-burst=2000")
}

// environment is that of every service: none of the variables of whoever started the cluster, least of all their credentials.
func environment() []string {
	const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	return []string{"PATH=" + path, "HOME=/root", fmt.Sprintf("GOMAXPROCS=%d", servicesProcs)}
}

// servicesProcs keeps a dozen Go programs on a few cores from getting in each other's way.
const servicesProcs = 2
