// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/go-logr/logr"
	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"

	benchcluster "github.com/hoist-dev/hoist/bench/cluster"
)

func newBenchCluster(dial dialer) *cobra.Command {
	a := access{dial: dial}
	var deployment, baseline, out string
	var yes bool
	c := benchcluster.Config{Runs: 3, Nodes: 3, Scenarios: benchcluster.Scenarios(), Patience: 15 * time.Minute}
	cmd := &cobra.Command{
		Use:   "cluster --deployment [NAMESPACE/]NAME",
		Short: "Measure cold starts of a Deployment of yours, in its cluster",
		Long: `Measure cold starts of a Deployment with a model, in its cluster: how long it takes from one more replica wanted to its first answer,
and what of that is what. It scales the Deployment by one and back, again and again:

  uncached    after the copies that no pod has mounted were removed: the model is downloaded while the pod waits
  cached      with the model on the disk of nodes that have room
  prewarmed   with the model in the page cache of these nodes, too

It says what it is going to change and asks first. In the end, also after Ctrl-C or when the terminal closes, replicas are as they were, and
nodes that had a copy have one; what else came onto nodes stays until its room is needed. A benchmark that was killed is put right by the
next one. A Deployment that an autoscaler scales is refused, and where somebody scales it meanwhile, that stays, and the benchmark ends.

The request goes by way of the API server, so nothing of the cluster has to be reachable. --baseline names another Deployment, such as the
one that you had before Hoist, which takes its turn and which the others are compared with.`,
		Example: `  hoist bench cluster --deployment team-a/llama --runs 5 --scenarios uncached,cached,prewarmed -o report.html
  hoist bench cluster --deployment llama --baseline llama-from-s3 --from-zero --yes
  hoist bench cluster --deployment tgi --request /generate --body '{"inputs":"lift","parameters":{"max_new_tokens":1}}'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if deployment == "" {
				return &usageError{errors.New("--deployment is needed")}
			}
			if _, err := formatOf(out); err != nil {
				return err
			}
			if err := folderOf(out); err != nil {
				return err
			}
			at, err := a.dial(&a)
			if err != nil {
				return err
			}
			klog.SetLogger(logr.Discard()) // watches that break are told by what they return
			if c.Kube, err = kubernetes.NewForConfig(unhurried(at.config)); err != nil {
				return err
			}
			ctx, stop := unbroken(cmd.Context())
			defer stop()
			c.Hoist, c.Deployment = at.Client, namespaced(deployment, at.namespace)
			if baseline != "" {
				c.Baseline = namespaced(baseline, at.namespace)
			}
			c.Command, c.Version = "hoist "+quoted(os.Args[1:]), buildVersion()
			c.Step = func(step string) { _, _ = fmt.Fprintln(cmd.ErrOrStderr(), "• "+step) }
			c.Confirm = func(changes []string) (bool, error) { return agree(ctx, cmd, changes, yes) }
			found, err := benchcluster.Run(ctx, c)
			if err != nil {
				err = answeredBy(err, "measure Deployment "+c.Deployment.String())
			}
			if len(found.Scenarios) > 0 {
				err = errors.Join(err, show(cmd, found, out))
			}
			return err
		},
	}
	a.addFlags(cmd)
	a.addNamespace(cmd)
	flags := cmd.Flags()
	flags.StringVar(&deployment, "deployment", "", "the Deployment to measure, as NAMESPACE/NAME or NAME")
	flags.StringVar(&baseline, "baseline", "", "another Deployment to compare with, as NAMESPACE/NAME or NAME")
	flags.IntVar(&c.Runs, "runs", c.Runs, "runs of each scenario, one of each in turn")
	flags.StringSliceVar(&c.Scenarios, "scenarios", c.Scenarios, "which, separated by commas")
	flags.BoolVar(&c.FromZero, "from-zero", false, "scale to zero first, and from there to one: nobody is served meanwhile")
	flags.IntVar(&c.Nodes, "nodes", c.Nodes, "how many nodes get the model at most, of those that have room for a replica")
	flags.StringVar(&c.Service, "service", "", "the Deployment's Service; found by its selector if not given")
	flags.StringVar(&c.Port, "port", "", "the Service's port to ask, by name or number; the one named http, or the first, if not given")
	flags.StringVar(&c.Path, "request", "", "path to POST to, for servers without OpenAI's API; /v1/completions if not given")
	flags.StringVar(&c.Body, "body", "", "what to POST there, in JSON")
	flags.DurationVar(&c.Patience, "patience", c.Patience, "how long a start may take, and a download that does not go on")
	flags.BoolVarP(&yes, "yes", "y", false, "don't ask")
	flags.StringVarP(&out, "output", "o", "", "write a report to this file: .html, .md or .json; a .json is written beside the others")
	return cmd
}

// unhurried is a copy of config for calls that may take as long as a start does, and that are measured: none waits for its turn.
func unhurried(config *rest.Config) *rest.Config {
	c := rest.CopyConfig(config)
	c.Timeout, c.QPS = 0, -1
	return c
}

// unbroken is ctx until the terminal closes, too: what was changed has to be put back first. Nor may a reader of what is said end the process by
// ending itself (SIGPIPE), as tee does on the same Ctrl-C.
func unbroken(ctx context.Context) (context.Context, context.CancelFunc) {
	signal.Ignore(syscall.SIGPIPE)
	if signal.Ignored(syscall.SIGHUP) { // nohup
		return context.WithCancel(ctx)
	}
	return signal.NotifyContext(ctx, syscall.SIGHUP)
}

// folderOf refuses a file that can't be written, before hours have gone into what was to be in it.
func folderOf(path string) error {
	if path == "" {
		return nil
	}
	if info, err := os.Stat(filepath.Dir(path)); err != nil || !info.IsDir() {
		return &usageError{fmt.Errorf("there is no folder %s to write %s into", filepath.Dir(path), filepath.Base(path))}
	}
	return nil
}

// answeredBy explains what the cluster has answered, and leaves what the benchmark itself says as it is.
func answeredBy(err error, op string) error {
	if apierrors.ReasonForError(err) != metav1.StatusReasonUnknown || unreachable(err) {
		return explain(op, err)
	}
	return err
}

func namespaced(name, namespace string) types.NamespacedName {
	if before, after, ok := strings.Cut(name, "/"); ok {
		return types.NamespacedName{Namespace: before, Name: after}
	}
	return types.NamespacedName{Namespace: namespace, Name: name}
}

// agree says what is going to be changed, and asks whether it may.
func agree(ctx context.Context, cmd *cobra.Command, changes []string, yes bool) (bool, error) {
	w := cmd.ErrOrStderr()
	_, _ = fmt.Fprintln(w, "This will")
	for _, change := range changes {
		_, _ = fmt.Fprintln(w, "  - "+change)
	}
	if yes {
		return true, nil
	}
	_, _ = fmt.Fprint(w, "Go on? [y/N] ")
	type line struct {
		text string
		err  error
	}
	read := make(chan line, 1)
	go func() {
		text, err := bufio.NewReader(cmd.InOrStdin()).ReadString('\n')
		read <- line{text, err}
	}()
	var answer string
	select {
	case <-ctx.Done():
		return false, ctx.Err()
	case l := <-read:
		if l.err != nil && !errors.Is(l.err, io.EOF) {
			return false, l.err
		}
		answer = l.text
	}
	if answer == "" {
		return false, &usageError{errors.New("nobody is there to answer: --yes goes on without")}
	}
	answer = strings.ToLower(strings.TrimSpace(answer))
	return answer == "y" || answer == "yes", nil
}
