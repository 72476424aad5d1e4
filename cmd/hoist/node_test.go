// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/hoist-dev/hoist/cachenode/agent"
)

// node is a hoist serve and what belongs to it.
type node struct {
	*process
	env     []string
	root    string
	config  string
	address string
}

// newNode is a node that was not started yet. Its models are flow mappings of YAML.
func newNode(t *testing.T, env []string, models ...string) *node {
	t.Helper()
	dir := t.TempDir()
	n := &node{process: &process{t: t}, env: env, root: filepath.Join(dir, "root"), config: filepath.Join(dir, "hoist.yaml")}
	n.configure("", models...)
	return n
}

// configure writes the configuration; more is added to the end of it.
func (n *node) configure(more string, models ...string) {
	n.t.Helper()
	text := fmt.Sprintf("root: %s\nlisten: 127.0.0.1:0\ncache: {minFreePercent: 0.1}\n%s\nmodels: [%s]\n", n.root, more, strings.Join(models, ", "))
	if err := os.WriteFile(n.config, []byte(text), 0o600); err != nil {
		n.t.Fatal(err)
	}
}

var servingAt = regexp.MustCompile(`msg=serving address=(\S+)`)

// start runs the node and waits until it answers.
func (n *node) start() {
	n.t.Helper()
	n.process = start(n.t, n.env, "serve", "--config", n.config, "--log-level", "debug")
	eventually(n.t, "the node serves", func() bool {
		if n.ended() {
			n.t.Fatalf("the node ended at once: %s", n.stderr.String())
		}
		m := servingAt.FindStringSubmatch(n.stderr.String())
		if m != nil {
			n.address = "http://" + m[1]
		}
		return m != nil
	})
}

// stop ends the node as Kubernetes does. Whatever it did, no secret was in its log (J5).
func (n *node) stop() {
	n.t.Helper()
	n.signal(syscall.SIGTERM)
	o := n.wait()
	o.want(n.t, exitOK)
	neverShown(n.t, o, secretKey)
}

// get asks the node over HTTP.
func (n *node) get(path string) (status int, body string) {
	n.t.Helper()
	response, err := http.Get(n.address + path)
	if err != nil {
		n.t.Fatal(err)
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		n.t.Fatal(err)
	}
	return response.StatusCode, string(raw)
}

// model is what the node says about one model.
func (n *node) model(name string) agent.ModelStatus {
	n.t.Helper()
	_, body := n.get("/status")
	var s agent.Status
	if err := json.Unmarshal([]byte(body), &s); err != nil {
		n.t.Fatal(err)
	}
	for _, m := range s.Models {
		if m.Name == name {
			return m
		}
	}
	return agent.ModelStatus{}
}

func (n *node) ready() bool {
	status, _ := n.get("/readyz")
	return status == http.StatusOK
}

func (n *node) waitReady() {
	n.t.Helper()
	eventually(n.t, "the node is ready", n.ready)
}

// name is where a model's name points to.
func (n *node) name(model string) string { return filepath.Join(n.root, "names", model) }

// do runs a command on the node's root.
func (n *node) do(args ...string) outcome {
	n.t.Helper()
	return hoist(n.t, nil, append(args, "--root", n.root)...)
}

// metrics are the node's metrics by name.
func (n *node) metrics() map[string]*dto.MetricFamily {
	n.t.Helper()
	_, body := n.get("/metrics")
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(body))
	if err != nil {
		n.t.Fatal(err)
	}
	return families
}

// metric is the sum of a metric's values over the series that carry this label value,
// over all if it is empty.
func (n *node) metric(name, label string) float64 {
	n.t.Helper()
	family := n.metrics()[name]
	if family == nil {
		n.t.Errorf("no metric %s", name)
	}
	var sum float64
	for _, m := range family.GetMetric() {
		matches := label == ""
		for _, pair := range m.GetLabel() {
			matches = matches || pair.GetValue() == label
		}
		if matches {
			sum += m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}
	return sum
}
