// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package inject

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/hoist-dev/hoist/api/inference"
	"github.com/hoist-dev/hoist/api/v1alpha1"
)

// Key names a Model.
type Key struct{ Namespace, Name string }

func (k Key) String() string { return k.Namespace + "/" + k.Name }

// Readiness is what makes a pod Ready.
type Readiness string

// The kinds of readiness.
const (
	VRAM       Readiness = "VRAM"       // the server answers, and its weights were in VRAM once
	Continuous Readiness = "Continuous" // the server answers, and its weights are in VRAM
	HTTP       Readiness = "HTTP"       // the server answers
	Off        Readiness = "Off"        // nothing is added
)

// Request is what the annotations of a pod ask for.
type Request struct {
	Model         Key
	MountPath     string
	Containers    []string       // nil is every container, and no init container
	Server        inference.Kind // "" is to be recognized
	Readiness     Readiness
	Stream        bool
	VRAM          *resource.Quantity // nil is to be estimated
	WeightsPerGPU *resource.Quantity // nil is to be estimated
	ServedModel   string             // "" is not said
}

// Asks reports whether annotations ask for a model at all.
func Asks(annotations map[string]string) bool { return annotations[v1alpha1.ModelAnnotation] != "" }

// Parse reads the annotations of a pod of a namespace. They are data: whatever can't be meant is an error in words.
func Parse(annotations map[string]string, namespace string) (Request, error) {
	r := Request{Readiness: VRAM}
	var failed []error
	fail := func(annotation string, err error) {
		failed = append(failed, fmt.Errorf("%s: %w", annotation, err))
	}
	var err error
	if r.Model, err = parseModel(annotations[v1alpha1.ModelAnnotation], namespace); err != nil {
		fail(v1alpha1.ModelAnnotation, err)
	}
	r.MountPath = "/models/" + r.Model.Name
	for annotation, value := range annotations {
		if err := r.take(annotation, value); err != nil {
			fail(annotation, err)
		}
	}
	slices.SortFunc(failed, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return r, errors.Join(failed...)
}

// take reads one annotation. Those that are not of pods are none of its business.
func (r *Request) take(annotation, value string) (err error) {
	switch annotation {
	case v1alpha1.MountPathAnnotation:
		r.MountPath, err = parseMountPath(value)
	case v1alpha1.ContainersAnnotation:
		r.Containers, err = parseContainers(value)
	case v1alpha1.ModeAnnotation:
		if value != "Wait" && value != "Stream" {
			return fmt.Errorf("%q: want Wait or Stream", clip(value))
		}
		r.Stream = value == "Stream"
	case v1alpha1.ServerAnnotation:
		r.Server, err = inference.ParseKind(value)
	case v1alpha1.ReadinessAnnotation:
		r.Readiness = Readiness(value)
		if !slices.Contains([]Readiness{VRAM, Continuous, HTTP, Off}, r.Readiness) {
			return fmt.Errorf("%q: want VRAM, Continuous, HTTP or Off", clip(value))
		}
	case v1alpha1.VRAMAnnotation:
		r.VRAM, err = parseBytes(value)
	case v1alpha1.WeightsPerGPUAnnotation:
		r.WeightsPerGPU, err = parseBytes(value)
	case v1alpha1.ServedModelAnnotation:
		r.ServedModel, err = parseServedModel(value)
	}
	return err
}

func parseModel(value, namespace string) (Key, error) {
	key := Key{namespace, value}
	if before, after, ok := strings.Cut(value, "/"); ok {
		key = Key{before, after}
	}
	for _, part := range []string{key.Namespace, key.Name} {
		if problems := validation.IsDNS1123Label(part); len(problems) > 0 {
			return Key{namespace, "invalid"}, fmt.Errorf("%q: want the name of a Model, or NAMESPACE/NAME", clip(value))
		}
	}
	return key, nil
}

// forbidden are folders that a container needs as they are, with all that is in them.
var forbidden = []string{"/bin", "/boot", "/dev", "/etc", "/lib", "/lib64", "/proc", "/run", "/sbin", "/sys", "/usr/bin", "/usr/lib", "/usr/sbin", "/var/run"}

const longestPath = 256

func parseMountPath(value string) (string, error) {
	switch {
	case !path.IsAbs(value) || path.Clean(value) != value || len(value) > longestPath:
		return "", fmt.Errorf("%q: want a clean, absolute path of at most %d characters, such as /models/llama", clip(value), longestPath)
	case strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`:,"'$\`+"`", r) }):
		return "", fmt.Errorf("%q: want letters, digits and /._-+@=~ alone", clip(value))
	case value == "/" || value == "/usr" || value == "/var" || slices.ContainsFunc(forbidden, func(f string) bool { return within(value, f) }):
		return "", fmt.Errorf("%q: the container needs what is there; want a folder of its own, such as /models/llama", clip(value))
	}
	return value, nil
}

// within reports whether p is folder, or in it.
func within(p, folder string) bool { return p == folder || strings.HasPrefix(p, folder+"/") }

func parseContainers(value string) ([]string, error) {
	names := []string{}
	for name := range strings.SplitSeq(value, ",") {
		name = strings.TrimSpace(name)
		if len(validation.IsDNS1123Label(name)) > 0 {
			return nil, fmt.Errorf("%q: want names of containers, such as server,prepare", clip(value))
		}
		names = append(names, name)
	}
	return names, nil
}

// served are the names that servers give models, such as llama3.2:3b and hf.co/bartowski/Llama-3.2-3B-GGUF:Q4_K_M.
var served = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:/@-]{0,252}$`)

func parseServedModel(value string) (string, error) {
	if !served.MatchString(value) {
		return "", fmt.Errorf("%q: want the name that requests give the model, such as llama3.2:3b", clip(value))
	}
	return value, nil
}

// mostBytes is more than any GPU has.
const mostBytes = 1 << 50

func parseBytes(value string) (*resource.Quantity, error) {
	q, err := resource.ParseQuantity(value)
	if err != nil || q.Sign() < 0 || q.Cmp(*resource.NewQuantity(mostBytes, resource.BinarySI)) > 0 {
		return nil, fmt.Errorf("%q: want bytes, such as 40Gi", clip(value))
	}
	return &q, nil
}

// clip keeps a hostile value from filling an answer.
func clip(s string) string {
	const most = 64
	if len(s) > most {
		s = s[:most] + "..."
	}
	return s
}
