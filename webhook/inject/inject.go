// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package inject

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/hoist-dev/hoist/api/inference"
	"github.com/hoist-dev/hoist/api/v1alpha1"
)

// Facts are what the cluster knows that a pod does not.
type Facts struct {
	Model        *v1alpha1.Model // the one that the pod asks for; nil is none
	MemoryLabels bool            // nodes with GPUs say how much memory those have
}

// Pod gives what a pod of a namespace becomes, and what its author should know. A pod whose request can't be fulfilled is given back as it
// is, and the warnings say why. pod itself is not changed; its Namespace is set in what is given back only if it was set in pod.
func Pod(pod *corev1.Pod, namespace string, facts Facts) (*corev1.Pod, []string) {
	if !Asks(pod.Annotations) {
		return pod, nil
	}
	request, err := Parse(pod.Annotations, namespace)
	if err != nil {
		return pod, refused(err)
	}
	after := pod.DeepCopy()
	after.Namespace = namespace
	i := injection{Request: request, facts: facts, pod: after}
	if err := i.run(); err != nil {
		return pod, refused(err)
	}
	after.Namespace = pod.Namespace
	return after, i.warnings
}

// refused are the warnings of a pod that stays as it is.
func refused(err error) []string {
	var all []string
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			all = append(all, refused(e)...)
		}
		return all
	}
	return []string{"no model is mounted: " + err.Error()}
}

// injection is one pod on its way.
type injection struct {
	Request
	facts    Facts
	pod      *corev1.Pod
	warnings []string
}

func (i *injection) warn(format string, args ...any) {
	i.warnings = append(i.warnings, fmt.Sprintf(format, args...))
}

func (i *injection) run() error {
	chosen, err := i.containers()
	if err != nil {
		return err
	}
	i.checkModel()
	server := inference.Choose(chosen)
	kind := inference.Recognize(server, i.Server)
	weights := weightsPerGPU(&i.Request, i.facts.Model, server, kind)
	volume, err := addVolume(i.pod, i.Model, i.gate(server, kind, weights))
	if err != nil {
		return err
	}
	var failed []error
	for _, c := range chosen {
		failed = append(failed, addMount(c, volume.Name, i.MountPath))
	}
	if err := errors.Join(failed...); err != nil {
		return err
	}
	for _, c := range chosen {
		addEnv(c, pathVariable, mountedAt(c, volume.Name))
		i.layOut(c, mountedAt(c, volume.Name))
	}
	i.serve(server, kind, mountedAt(server, volume.Name))
	i.place(server, kind, weights)
	if volume.CSI.VolumeAttributes[v1alpha1.ReadinessAttribute] != "" {
		addGate(i.pod, v1alpha1.WeightsInVRAMCondition)
	}
	return nil
}

// containers are those that see the model.
func (i *injection) containers() (chosen []*corev1.Container, err error) {
	spec := &i.pod.Spec
	var unknown []error
	for _, name := range i.Containers {
		is := func(c corev1.Container) bool { return c.Name == name }
		if !slices.ContainsFunc(spec.Containers, is) && !slices.ContainsFunc(spec.InitContainers, is) {
			unknown = append(unknown, fmt.Errorf("%s: the pod has no container %q", v1alpha1.ContainersAnnotation, name))
		}
	}
	for j := range spec.Containers {
		if c := &spec.Containers[j]; i.Containers == nil || slices.Contains(i.Containers, c.Name) {
			chosen = append(chosen, c)
		}
	}
	for j := range spec.InitContainers {
		if c := &spec.InitContainers[j]; slices.Contains(i.Containers, c.Name) {
			chosen = append(chosen, c)
		}
	}
	if len(chosen) == 0 && len(unknown) == 0 {
		unknown = append(unknown, errors.New("the pod has no containers"))
	}
	return chosen, errors.Join(unknown...)
}

// serve adds what the server itself needs.
func (i *injection) serve(c *corev1.Container, kind *inference.Server, at string) {
	uses := slices.ContainsFunc(inference.Arguments(c), func(word string) bool { return mentions(word, at) }) ||
		slices.ContainsFunc(c.Env, func(e corev1.EnvVar) bool { return e.Name != pathVariable && mentions(e.Value, at) })
	if !uses {
		i.warn("nothing that container %s is started with names %s: have it load the model from there, or from $(%s)", c.Name, at, pathVariable)
	}
	if kind == nil {
		if i.Readiness != Off {
			i.warn("the server of container %s is not known, so no probes are added: name it with %s", c.Name, v1alpha1.ServerAnnotation)
		}
		return
	}
	if kind.Hub && uses {
		addEnv(c, "HF_HUB_OFFLINE", "1") // what it needs is there: no request to the hub may hold it up
	}
	if i.Readiness == Off {
		return
	}
	bytes := i.bytes()
	if p := c.StartupProbe; p != nil && allows(p) < bytes/startupSlowest {
		i.warn("the startup probe of container %s ends it after %d s; loading %s can take %d s: raise its failureThreshold, or remove it: where a liveness probe needs one, one is added",
			c.Name, allows(p), v1alpha1.HumanBytes(bytes), bytes/startupSlowest)
	}
	addProbes(c, kind, bytes)
}

// place adds what the scheduler goes by.
func (i *injection) place(c *corev1.Container, kind *inference.Server, weights int64) {
	preferHolders(i.pod, i.Model)
	has, uses := inference.GPUs(c), kind.Share(c)
	switch {
	case has == 0:
		i.warn("container %s asks for no nvidia.com/gpu: it will not have one", c.Name)
		return
	case has > uses && !strings.Contains(strings.Join(inference.Arguments(c), " "), "--data-parallel"):
		i.warn("container %s asks for %d GPUs and spreads the model over %d: should it be told of the others?", c.Name, has, uses)
	}
	if need := vramPerGPU(&i.Request, weights); need > 0 && !inference.OnParts(c) {
		preferFree(i.pod, need)
		if i.facts.MemoryLabels {
			requireMemory(i.pod, need)
		}
	}
}

// bytes of the model's files, or 0.
func (i *injection) bytes() int64 {
	if i.facts.Model == nil {
		return 0
	}
	return i.facts.Model.Status.Bytes
}

// checkModel warns of what keeps a model from being mounted.
func (i *injection) checkModel() {
	m := i.facts.Model
	switch {
	case m == nil || !m.Admits(i.pod.Namespace):
		i.warn("there is no Model %s, or it does not allow pods of namespace %s: pods wait until there is", i.Model, i.pod.Namespace)
		i.facts.Model = nil // nothing of it shows
	case m.Status.Revision == "":
		i.warn("the source of Model %s could not be read yet: kubectl describe model %s says why", i.Model, i.Model.Name)
	}
	if i.Stream {
		i.warn("%s: Stream is not there yet, pods wait until every byte of the model is", v1alpha1.ModeAnnotation)
	}
}
