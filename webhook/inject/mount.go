// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package inject

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/hoist-dev/hoist/api/v1alpha1"
)

const (
	volumeName   = "hoist-model"      // of the volume that is added
	pathVariable = "HOIST_MODEL_PATH" // where a container finds the model
)

// addVolume gives the pod a volume of the model, and says what it is: one that the pod has, or a new one with these attributes, too.
func addVolume(pod *corev1.Pod, model Key, more map[string]string) (*corev1.Volume, error) {
	for i := range pod.Spec.Volumes {
		v := &pod.Spec.Volumes[i]
		if claims(v, pod.Namespace, model) {
			return v, nil
		}
		if v.Name == volumeName {
			return nil, fmt.Errorf("the pod has another volume of the name %s: rename it", volumeName)
		}
	}
	attributes := map[string]string{v1alpha1.ModelAttribute: model.Name}
	if model.Namespace != pod.Namespace {
		attributes[v1alpha1.NamespaceAttribute] = model.Namespace
	}
	maps.Copy(attributes, more)
	pod.Spec.Volumes = append(pod.Spec.Volumes, corev1.Volume{Name: volumeName, VolumeSource: corev1.VolumeSource{
		CSI: &corev1.CSIVolumeSource{Driver: v1alpha1.Driver, ReadOnly: new(true), VolumeAttributes: attributes}}})
	return &pod.Spec.Volumes[len(pod.Spec.Volumes)-1], nil
}

// claims reports whether a volume is of the model.
func claims(v *corev1.Volume, namespace string, model Key) bool {
	if v.CSI == nil || v.CSI.Driver != v1alpha1.Driver {
		return false
	}
	key := Key{namespace, v.CSI.VolumeAttributes[v1alpha1.ModelAttribute]}
	if other := v.CSI.VolumeAttributes[v1alpha1.NamespaceAttribute]; other != "" {
		key.Namespace = other
	}
	return key == model
}

// addMount mounts the volume into a container. What is mounted there already stays, and is an error where it is something else.
func addMount(c *corev1.Container, volume, at string) error {
	for i := range c.VolumeMounts {
		m := &c.VolumeMounts[i]
		switch {
		case m.Name == volume:
			return nil // where its author wants it
		case m.MountPath == at || within(m.MountPath, at) || within(at, m.MountPath):
			return fmt.Errorf("container %s mounts volume %s at %s: choose another %s than %s", c.Name, m.Name, m.MountPath, v1alpha1.MountPathAnnotation, at)
		}
	}
	c.VolumeMounts = append(c.VolumeMounts, corev1.VolumeMount{Name: volume, MountPath: at, ReadOnly: true})
	return nil
}

// mountedAt is where a container has the volume.
func mountedAt(c *corev1.Container, volume string) string {
	i := slices.IndexFunc(c.VolumeMounts, func(m corev1.VolumeMount) bool { return m.Name == volume })
	if i < 0 {
		return ""
	}
	return c.VolumeMounts[i].MountPath
}

// mentions reports whether a word of a command has a container's path of the model, or the variable that holds it.
func mentions(word, at string) bool {
	return strings.Contains(word, "$("+pathVariable+")") || strings.Contains(word, "$"+pathVariable) || strings.Contains(word, "${"+pathVariable+"}") ||
		at != "" && (word == at || strings.Contains(word, at+"/") || strings.HasSuffix(word, "="+at))
}

// addEnv adds a variable, unless the container has one of that name.
func addEnv(c *corev1.Container, name, value string) {
	if !slices.ContainsFunc(c.Env, func(e corev1.EnvVar) bool { return e.Name == name }) {
		c.Env = append(c.Env, corev1.EnvVar{Name: name, Value: value})
	}
}
