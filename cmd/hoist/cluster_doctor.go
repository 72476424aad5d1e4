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
	"slices"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/hoist-dev/hoist/scaler/doctor"
)

func newDoctor(dial dialer) *cobra.Command {
	a := access{dial: dial}
	var prometheus asked
	var file, output string
	cmd := &cobra.Command{
		Use:   "doctor [NAME]",
		Short: "Find in KEDA's ScaledObjects what will bite, and say what to write instead",
		Long: `Find in KEDA's ScaledObjects what will bite, and say what to write instead: metrics that do not exist, averages that are divided
twice, targets that never wake, a fallback that never comes, quotas that are too small. docs/doctor.md explains each check.

With --file it reads a manifest and asks no cluster. Without, it looks at a cluster's ScaledObjects, and at their targets, pods, quotas, HPAs,
Kueue's queues and KEDA itself, as far as the caller may read them. With --prometheus it looks, too, whether there are such metrics, and how
often they are scraped. A Prometheus that asks who it is wants a folder with files as the chart's scaler.prometheusAuth has them.

  hoist doctor -f scaledobject.yaml
  hoist doctor llama -n team-a --prometheus http://localhost:9090
  hoist doctor -f scaledobject.yaml --prometheus https://prometheus:9090 --prometheus-identity me   # me/token, me/ca.crt

The exit code is 1 if there is an Error among what it finds.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if output != "" && output != "json" {
				return &usageError{fmt.Errorf("--output %q: want json", output)}
			}
			objects, err := patients(cmd, &a, file, args)
			if err != nil {
				return err
			}
			if err := prometheus.metrics(cmd.Context(), objects); err != nil {
				return err
			}
			found := []doctor.Finding{}
			for _, o := range objects {
				for _, f := range doctor.Examine(o) {
					if !slices.Contains(found, f) { // what is wrong with KEDA is so for all of them
						found = append(found, f)
					}
				}
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
	prometheus.addFlags(cmd.Flags())
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
func patients(cmd *cobra.Command, a *access, file string, args []string) ([]*doctor.Object, error) {
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
	around := &surroundings{c: c}
	for i := range list.Items {
		if len(args) == 1 && list.Items[i].GetName() != args[0] {
			continue
		}
		o, err := patient(cmd.Context(), around, &list.Items[i])
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
func patient(ctx context.Context, around *surroundings, u *unstructured.Unstructured) (*doctor.Object, error) {
	content, err := u.MarshalJSON()
	if err != nil {
		return nil, err
	}
	o, err := doctor.Parse(content)
	if err != nil {
		return nil, fmt.Errorf("read ScaledObject %s/%s: %w", u.GetNamespace(), u.GetName(), err)
	}
	o.Facts, err = around.examine(ctx, o)
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
