// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"context"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
)

// PrometheusURL is where Prometheus answers, for pods as well as for this computer. It scrapes every second what runs in pods
// that are annotated prometheus.io/scrape, at the port that prometheus.io/port names.
func (c *Cluster) PrometheusURL() string { return "http://" + c.address(c.state.Ports.Prometheus) }

// PrometheusData is the folder of its blocks: what promtool tsdb create-blocks-from puts there it finds within a minute.
func (c *Cluster) PrometheusData() string { return filepath.Join(c.dir, "prometheus") }

func (c *Cluster) startPrometheus(ctx context.Context) error {
	discovery := c.address(c.state.Ports.Discovery)
	discover := addon("discover", c.state.Self, nil, discoverCommand, c.Kubeconfig(), discovery)
	if err := run(ctx, c.state.Hub, discover, func(ctx context.Context) error { return get(ctx, "http://"+discovery) }); err != nil {
		return err
	}
	if err := writeConfig("prometheus.yaml", c.prometheusConfig(), map[string]string{"Targets": "http://" + discovery}); err != nil {
		return err
	}
	return c.StartPrometheus(ctx)
}

// prometheusService is what Prometheus is called among the hub's services.
const prometheusService = "prometheus"

func (c *Cluster) prometheusConfig() string {
	return filepath.Join(c.dir, "hub", "config", "prometheus.yaml")
}

// StopPrometheus kills Prometheus, and returns when it has ended. What it has written stays.
func (c *Cluster) StopPrometheus(ctx context.Context) error {
	return c.kill(ctx, prometheusService)
}

// StartPrometheus starts a Prometheus that does not run, and returns when it answers.
func (c *Cluster) StartPrometheus(ctx context.Context) error {
	program, err := exec.LookPath("prometheus") // from the distribution: preflight has seen it
	if err != nil {
		return err
	}
	service := addon(prometheusService, program, nil,
		"--config.file="+c.prometheusConfig(),
		"--storage.tsdb.path="+c.PrometheusData(),
		"--web.listen-address="+c.address(c.state.Ports.Prometheus))
	return run(ctx, c.state.Hub, service, func(ctx context.Context) error { return get(ctx, c.PrometheusURL()+"/-/ready") })
}

// get asks for a URL and wants a 200.
func get(ctx context.Context, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", url, response.Status)
	}
	return nil
}
