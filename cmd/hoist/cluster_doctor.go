// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/hoist-dev/hoist/scaler/doctor"
	"github.com/hoist-dev/hoist/scaler/queue"
)

func newDoctor(dial dialer) *cobra.Command {
	a := access{dial: dial}
	var file, prometheus, output string
	cmd := &cobra.Command{
		Use:   "doctor [NAME]",
		Short: "Find in KEDA's ScaledObjects what will bite, and say what to write instead",
		Long: `Find in KEDA's ScaledObjects what will bite, and say what to write instead: metrics that do not exist, averages that are divided
twice, targets that never wake, a fallback that never comes, quotas that are too small. docs/doctor.md explains each check.

With --file it reads a manifest and asks no cluster. Without, it looks at a cluster's ScaledObjects, and at their targets, quotas and HPAs.

  hoist doctor -f scaledobject.yaml
  hoist doctor llama -n team-a --prometheus http://localhost:9090

The exit code is 1 if there is an Error among what it finds.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if output != "" && output != "json" {
				return &usageError{fmt.Errorf("--output %q: want json", output)}
			}
			objects, err := patients(cmd, &a, file, prometheus, args)
			if err != nil {
				return err
			}
			found := []doctor.Finding{}
			for _, o := range objects {
				found = append(found, doctor.Examine(o)...)
			}
			if output == "json" {
				err = json.NewEncoder(cmd.OutOrStdout()).Encode(found)
			} else {
				err = doctor.Write(cmd.OutOrStdout(), len(objects), found)
			}
			if err != nil {
				return err
			}
			return unwell(found)
		},
	}
	a.addFlags(cmd)
	a.addNamespaces(cmd)
	cmd.Flags().StringVarP(&file, "file", "f", "", "manifest to read instead of a cluster; - is stdin")
	cmd.Flags().StringVar(&prometheus, "prometheus", "", "address of Prometheus, to ask it for the metrics")
	cmd.Flags().StringVarP(&output, "output", "o", "", "json, or for people if not given")
	return cmd
}

// unwell fails where there is an Error.
func unwell(found []doctor.Finding) error {
	bad := 0
	for _, f := range found {
		if f.Severity == doctor.Error {
			bad++
		}
	}
	if bad == 0 {
		return nil
	}
	return fmt.Errorf("%d of what was found is an Error", bad)
}

// patients are the ScaledObjects of a file or of a cluster.
func patients(cmd *cobra.Command, a *access, file, prometheus string, args []string) ([]*doctor.Object, error) {
	if file != "" {
		return fromFile(file, cmd.InOrStdin())
	}
	c, err := a.dial(a)
	if err != nil {
		return nil, err
	}
	list := &unstructured.UnstructuredList{}
	list.SetAPIVersion("keda.sh/v1alpha1")
	list.SetKind("ScaledObjectList")
	if err := c.List(cmd.Context(), list, client.InNamespace(a.scope(c))); err != nil {
		return nil, explain("list ScaledObjects", err)
	}
	var all []*doctor.Object
	for i := range list.Items {
		if len(args) == 1 && list.Items[i].GetName() != args[0] {
			continue
		}
		o, err := patient(cmd.Context(), c, &list.Items[i], prometheus)
		if err != nil {
			return nil, err
		}
		all = append(all, o)
	}
	if len(args) == 1 && len(all) == 0 {
		return nil, fmt.Errorf("there is no ScaledObject %s in namespace %s", args[0], c.namespace)
	}
	return all, nil
}

// patient is one of a cluster, with what the cluster says of it.
func patient(ctx context.Context, c cluster, u *unstructured.Unstructured, prometheus string) (*doctor.Object, error) {
	content, err := u.MarshalJSON()
	if err != nil {
		return nil, err
	}
	o, err := doctor.Parse(content)
	if err != nil {
		return nil, fmt.Errorf("read ScaledObject %s/%s: %w", u.GetNamespace(), u.GetName(), err)
	}
	o.Facts, err = examine(ctx, c, o, prometheus)
	return o, err
}

func fromFile(path string, stdin io.Reader) ([]*doctor.Object, error) {
	from, name := stdin, "stdin"
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, fileError(path, err)
		}
		defer f.Close()
		from, name = f, path
	}
	found, err := doctor.Read(from)
	if err == nil && len(found) == 0 {
		err = errors.New("no ScaledObject of keda.sh is in it")
	}
	if err != nil {
		return nil, fileError(name, err)
	}
	return found, nil
}

// examine reads what a cluster says of one.
func examine(ctx context.Context, c cluster, o *doctor.Object, prometheus string) (*doctor.Facts, error) {
	f := &doctor.Facts{}
	if err := target(ctx, c, o, f); err != nil {
		return nil, err
	}
	var quotas corev1.ResourceQuotaList
	if err := c.List(ctx, &quotas, client.InNamespace(o.Namespace)); err != nil {
		return nil, explain("list the ResourceQuotas of "+o.Namespace, err)
	}
	f.Quotas = quotas.Items
	var hpa autoscalingv2.HorizontalPodAutoscaler
	if err := c.Get(ctx, client.ObjectKey{Namespace: o.Namespace, Name: "keda-hpa-" + o.Name}, &hpa); err == nil {
		for _, condition := range hpa.Status.Conditions {
			if condition.Type == autoscalingv2.ScalingActive && condition.Status == corev1.ConditionFalse {
				f.HPA = condition.Message
			}
		}
	}
	return f, metrics(ctx, o, f, prometheus)
}

// target reads the workload that is scaled. One of another kind than is known here counts as there, with pods of which nothing is known.
func target(ctx context.Context, c cluster, o *doctor.Object, f *doctor.Facts) error {
	key := client.ObjectKey{Namespace: o.Namespace, Name: o.Spec.ScaleTargetRef.Name}
	template := func(t *corev1.PodTemplateSpec) *corev1.Pod {
		pod := &corev1.Pod{ObjectMeta: *t.ObjectMeta.DeepCopy(), Spec: t.Spec}
		pod.Namespace = o.Namespace
		return pod
	}
	switch o.Spec.ScaleTargetRef.Kind {
	case "", "Deployment":
		var d appsv1.Deployment
		if err := c.Get(ctx, key, &d); err != nil {
			return explain("read Deployment "+key.Name, client.IgnoreNotFound(err))
		}
		f.Pod, f.Replicas = template(&d.Spec.Template), d.Status.Replicas
		for _, condition := range d.Status.Conditions {
			if condition.Type == appsv1.DeploymentReplicaFailure && condition.Status == corev1.ConditionTrue {
				f.Failed = condition.Message
			}
		}
	case "StatefulSet":
		var s appsv1.StatefulSet
		if err := c.Get(ctx, key, &s); err != nil {
			return explain("read StatefulSet "+key.Name, client.IgnoreNotFound(err))
		}
		f.Pod, f.Replicas = template(&s.Spec.Template), s.Status.Replicas
	default:
		f.Pod = &corev1.Pod{}
	}
	return nil
}

// metrics asks Prometheus which of the metrics there are.
func metrics(ctx context.Context, o *doctor.Object, f *doctor.Facts, address string) error {
	if address == "" {
		return nil
	}
	p, err := queue.New(address)
	if err != nil {
		return &usageError{err}
	}
	if _, err := p.Now(ctx, "vector(1)", time.Now()); err != nil {
		return fmt.Errorf("--prometheus %s: %w", address, err)
	}
	f.Metrics, f.Scraped = map[string]bool{}, map[string]int32{}
	for _, name := range o.Names() {
		_, err := p.Now(ctx, fmt.Sprintf("count({__name__=%q})", strings.ToValidUTF8(name, "")), time.Now())
		f.Metrics[name] = err == nil
		if every, err := p.ScrapeInterval(ctx, name); err == nil { // who may not ask for targets is told the rest
			f.Scraped[name] = int32(every.Seconds())
		}
	}
	return nil
}
