// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package scaledobject

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/hoist-dev/hoist/api/inference"
	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/scaler/demand"
)

// triggers of a policy: its demand, what waits in front, and its floors.
func triggers(in *Input) ([]Trigger, error) {
	p := in.Policy
	target := Target(p)
	query, err := Demand(p, in.Server)
	if err != nil {
		return nil, err
	}
	all := []Trigger{in.ask("demand", query, false)}
	if wake := p.Spec.Wake; wake != nil {
		all = append(all, in.ask("wake", waiting(wake, p.Namespace), true))
	}
	if f := p.Spec.Forecast; f != nil && f.Replicas {
		ahead := in.ask("forecast", demand.Forecast(target.Policy), true)
		ahead.Metadata["threshold"] = "1" // it is in replicas
		all = append(all, ahead)
	}
	if in.GPU != nil {
		all = append(all, in.gpu(target))
	}
	for i := range p.Spec.Floors {
		all = append(all, floor(&p.Spec.Floors[i], in.Slow))
	}
	return all, nil
}

// waiting is the query of a wake source of a policy in a namespace.
func waiting(w *v1alpha1.WakeSource, namespace string) string {
	switch {
	case w.EndpointPicker != nil:
		return demand.EndpointPicker(cmp.Or(w.EndpointPicker.Namespace, namespace), w.EndpointPicker.ModelName)
	case w.HTTPAddOn != nil:
		return demand.HTTPAddOn(cmp.Or(w.HTTPAddOn.Namespace, "keda"), namespace, w.HTTPAddOn.Route)
	}
	return demand.Waiting(w.Query)
}

// ask is a trigger by Prometheus, in requests. Where no answer is not zero it is an error, so that the fallback can do its work.
func (in *Input) ask(name, query string, emptyIsZero bool) Trigger {
	t := Trigger{Type: "prometheus", Name: name, MetricType: "AverageValue", Metadata: map[string]string{
		"serverAddress": in.Prometheus.Address, "query": query, "threshold": strconv.Itoa(int(in.InFlight)), "activationThreshold": "0",
		"ignoreNullValues": strconv.FormatBool(emptyIsZero), "timeout": "5s",
	}}
	ref, modes := AuthRef{Name: in.Prometheus.Authentication}, in.Prometheus.AuthModes
	if ref.Name == "" {
		ref, modes = AuthRef{in.Identity.Kind, in.Identity.Name}, in.Identity.Modes
	}
	if ref.Name != "" {
		t.AuthenticationRef = &ref
		if modes != "" { // without it even a CA would be ignored
			t.Metadata["authModes"] = modes
		}
	}
	if headers := in.Identity.headers(); headers != "" {
		t.Metadata["customHeaders"] = headers
	}
	return t
}

// headers are as KEDA reads them.
func (i Identity) headers() string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(i.Headers)) {
		all = append(all, name+"="+i.Headers[name])
	}
	return strings.Join(all, ",")
}

// never is more than any query of percent gives: a GPU that idles is not always at 0, and must not keep anything awake.
const never = "1000000000"

// gpu is in percent, summed over the replicas.
func (in *Input) gpu(target demand.Target) Trigger {
	g := in.GPU
	t := in.ask("gpu", demand.GPU(target, cmp.Or(g.Namespace, "gpu-operator"), g.Metric == v1alpha1.GPUMemory), true)
	t.Metadata["threshold"] = strconv.Itoa(int(cmp.Or(g.TargetPercent, mostlyBusy)))
	t.Metadata["activationThreshold"] = never
	return t
}

func floor(f *v1alpha1.Floor, slow int32) Trigger {
	zone := f.TimeZone
	if zone == "" {
		zone = "UTC"
	}
	start := Begin(f.Start, f.End, int(slow+59)/60)
	return Trigger{Type: "cron", Name: f.Name, Metadata: map[string]string{"timezone": zone, "start": start, "end": f.End, "desiredReplicas": strconv.Itoa(int(f.Replicas))}}
}

// Target is whose pods the queries of a policy are about.
func Target(p *v1alpha1.ScalePolicy) demand.Target {
	return demand.Target{Namespace: p.Namespace, Name: p.Spec.Target.Name, StatefulSet: p.Spec.Target.Kind == "StatefulSet", Policy: p.Namespace + "/" + p.Name}
}

// Demand is the query of what a policy scales on.
func Demand(p *v1alpha1.ScalePolicy, server inference.Kind) (string, error) {
	if p.Spec.Query != "" {
		return demand.Own(p.Spec.Query, Target(p)), nil
	}
	return demand.Query(server, Target(p))
}
