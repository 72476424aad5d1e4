// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package render_test

import (
	"context"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/hoist-dev/hoist/scaler"
)

var (
	selected  = regexp.MustCompile(`([a-zA-Z_:]+)\{([^}]*)\}`)
	condition = regexp.MustCompile(`([a-z_]+)(=~|!~|!=|=)"([^"]*)"`)
	grouped   = regexp.MustCompile(`by \(([^)]*)\)`)
	rated     = regexp.MustCompile(`(rate|increase)\(([a-zA-Z_:]+)`)
	suffix    = regexp.MustCompile(`_(bucket|sum|count)$`)
)

// Each query of the dashboard asks for a metric that is exported, by labels and values that it has, and for the rate of what counts.
func TestDashboard_AsksForWhatThereIs(t *testing.T) {
	t.Parallel()
	exported := agentMetrics(t)
	maps.Copy(exported, controllerMetrics(t))
	written := sources(t)
	d, _ := readDashboard(t)
	asked := map[string]bool{}
	for _, p := range d.Panels {
		for _, target := range p.Targets {
			plain := condition.ReplaceAllString(target.Expr, "")
			var labels []string
			for _, s := range selected.FindAllStringSubmatch(target.Expr, -1) {
				name := suffix.ReplaceAllString(s[1], "")
				own, ok := exported[name]
				if !ok {
					t.Errorf("%s: nobody exports %s", p.Title, s[1])
				}
				asked[name] = true
				labels = append(labels, own...)
				for _, c := range condition.FindAllStringSubmatch(s[2], -1) {
					if !slices.Contains(slices.Concat(own, []string{"instance", "job"}), c[1]) {
						t.Errorf("%s: %s has no label %s", p.Title, s[1], c[1])
					}
					for value := range strings.SplitSeq(c[3], "|") {
						if value[0] != '$' && !strings.Contains(written, `"`+value+`"`) {
							t.Errorf("%s: %s is never %s", p.Title, c[1], value)
						}
					}
				}
				if !strings.Contains(s[2], `instance=~"$instance"`) && !strings.Contains(s[2], `job=~"$controller"`) {
					t.Errorf("%s: %s is of every node, or of other programs too", p.Title, s[1])
				}
				counts := regexp.MustCompile(`_(total|bucket|count)$`).MatchString(s[1])
				if inRate := slices.ContainsFunc(rated.FindAllStringSubmatch(plain, -1), func(r []string) bool { return r[2] == s[1] }); counts != inRate {
					t.Errorf("%s: %s counts: %v, and its rate is taken: %v", p.Title, s[1], counts, inRate)
				}
			}
			for _, by := range grouped.FindAllStringSubmatch(plain, -1) {
				for label := range strings.SplitSeq(by[1], ", ") {
					if !slices.Contains(slices.Concat(labels, []string{"instance", "le"}), label) {
						t.Errorf("%s: grouped by %s, which is none of %q", p.Title, label, labels)
					}
				}
			}
		}
	}
	for _, v := range d.Templating.List {
		query, ok := v.Query.(map[string]any)
		if !ok {
			continue // the data source itself
		}
		asks := regexp.MustCompile(`^label_values\(([a-z_]+)(?:\{name="([^"]+)"\})?, (instance|job)\)$`).FindStringSubmatch(fmt.Sprint(query["query"]))
		if len(asks) == 0 || !slices.Contains(slices.Collect(maps.Keys(exported)), asks[1]) || !strings.Contains(written, `"`+asks[2]+`"`) {
			t.Errorf("the variable %s asks for what nobody exports: %v", v.Name, query)
		}
	}
	if len(asked) < 15 {
		t.Errorf("it asks for no more than %v", asked)
	}
}

// agentMetrics are the agent's metrics with their labels, as its code makes them: a call has the name, the help and the labels, in
// this order.
func agentMetrics(t *testing.T) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	for _, file := range []string{"metrics.go", "watch.go"} {
		tree, err := parser.ParseFile(token.NewFileSet(), root+"/cachenode/agent/"+file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(tree, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			var texts []string
			ast.Inspect(call, func(n ast.Node) bool {
				if literal, ok := n.(*ast.BasicLit); ok && literal.Kind == token.STRING {
					text, _ := strconv.Unquote(literal.Value)
					texts = append(texts, text)
				}
				return true
			})
			if len(texts) > 1 && strings.HasPrefix(texts[0], "hoist_") {
				found[texts[0]] = texts[2:]
			}
			return true
		})
	}
	return found
}

// controllerMetrics are what a controller exports once it has worked, and stood for election.
func controllerMetrics(t *testing.T) map[string][]string {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	worked := make(chan struct{})
	c, err := controller.NewUnmanaged("plan", controller.Options{Reconciler: reconcile.Func(func(context.Context, reconcile.Request) (reconcile.Result, error) {
		worked <- struct{}{}
		<-ctx.Done()
		return reconcile.Result{}, nil
	})})
	if err != nil {
		t.Fatal(err)
	}
	err = c.Watch(source.Func(func(_ context.Context, q workqueue.TypedRateLimitingInterface[reconcile.Request]) error {
		q.Add(reconcile.Request{})
		return nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error)
	go func() { ended <- c.Start(ctx) }()
	<-worked
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if _, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{Name: "hoist-controller", LeaseDuration: 3e9, RenewDeadline: 2e9, RetryPeriod: 1e9,
		Lock:      &resourcelock.LeaseLock{LockConfig: resourcelock.ResourceLockConfig{Identity: "test"}},
		Callbacks: leaderelection.LeaderCallbacks{OnStartedLeading: func(context.Context) {}, OnStoppedLeading: func() {}}}); err != nil {
		t.Fatal(err)
	}
	families, err := metrics.Registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string][]string{}
	for _, family := range families {
		found[family.GetName()] = []string{}
		for _, label := range family.GetMetric()[0].GetLabel() {
			found[family.GetName()] = append(found[family.GetName()], label.GetName())
		}
	}
	maps.Copy(found, scalerMetrics(t))
	return found
}

// scalerMetrics are those of policies, as they describe themselves.
func scalerMetrics(t *testing.T) map[string][]string {
	t.Helper()
	described := make(chan *prometheus.Desc, 100)
	new(scaler.Metrics).Describe(described)
	close(described)
	words, found := regexp.MustCompile(`fqName: "([a-z_]+)".* variableLabels: \{([a-z_,]*)\}`), map[string][]string{}
	for desc := range described {
		parts := words.FindStringSubmatch(desc.String())
		if parts == nil {
			t.Fatalf("a metric describes itself as %s", desc)
		}
		found[parts[1]] = strings.Split(parts[2], ",")
	}
	return found
}

// sources is the code that gives labels their values.
func sources(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, file := range []string{"cachenode/agent/metrics.go", "cachenode/agent/watch.go", "cachenode/agent/status.go", "prefetch/model.go", "prefetch/watch.go",
		"cmd/hoist-controller/run.go", "scaler/metrics.go"} {
		code, err := os.ReadFile(root + "/" + file)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(code)
	}
	return all.String()
}
