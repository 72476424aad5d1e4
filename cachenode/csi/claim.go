// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package csi

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/hoist-dev/hoist/cachenode"
)

// What the kubelet adds to a volume's attributes (podInfoOnMount) has this prefix,
// which the API server keeps pods from using.
const (
	kubeletPrefix  = "csi.storage.k8s.io/"
	ephemeral      = kubeletPrefix + "ephemeral"
	podName        = kubeletPrefix + "pod.name"
	podNamespace   = kubeletPrefix + "pod.namespace"
	podUID         = kubeletPrefix + "pod.uid"
	serviceAccount = kubeletPrefix + "serviceAccount.name"
)

// The attributes that a pod may write.
const (
	attrModel     = "model"
	attrNamespace = "namespace"
	attrMode      = "mode"

	attrReadiness  = "readiness"     // VRAM or Continuous: the pod's readiness waits for its weights
	attrWeights    = "weightsPerGPU" // bytes of them on each GPU
	attrWeightGPUs = "weightGPUs"    // on how many GPUs
	attrLoadServer = "loadServer"    // the kind of a server that has to be asked to load
	attrLoadPort   = "loadPort"
	attrLoadModel  = "loadModel" // the name that it gives the model
)

var attributeNames = []string{attrModel, attrNamespace, attrMode, attrReadiness, attrWeights, attrWeightGPUs, attrLoadServer, attrLoadPort, attrLoadModel}

const (
	maxVolumeID = 256 // bytes; the kubelet's have 68
	maxName     = 253 // of pods and service accounts
)

var label = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`) // DNS-1123

// parseClaim reads what a pod asks for from a volume's id and attributes.
func parseClaim(volume string, attributes map[string]string) (Claim, error) {
	if err := checkVolume(volume); err != nil {
		return Claim{}, err
	}
	if attributes[ephemeral] != "true" {
		return Claim{}, invalid("volume", volume, "persistent volumes are not supported",
			"name "+DriverName+" in the pod, below spec.volumes[].csi; if it is there, create the CSIDriver object with podInfoOnMount: true and volumeLifecycleModes: [Ephemeral]")
	}
	pod := PodRef{Namespace: attributes[podNamespace], Name: attributes[podName], UID: attributes[podUID], ServiceAccount: attributes[serviceAccount]}
	if err := checkPod(volume, pod); err != nil {
		return Claim{}, err
	}
	if err := checkAttributes(pod, attributes); err != nil {
		return Claim{}, err
	}
	model := ModelRef{Namespace: pod.Namespace, Name: attributes[attrModel]}
	if other, named := attributes[attrNamespace]; named {
		model.Namespace = other
	}
	for _, field := range []struct{ attribute, value string }{{attrModel, model.Name}, {attrNamespace, model.Namespace}} {
		if !label.MatchString(field.value) {
			return Claim{}, invalid("pod", pod.String(), fmt.Sprintf("volume attribute %s is %q", field.attribute, clip(field.value)),
				"name it as Kubernetes does: at most 63 of a-z, 0-9 and -, as in "+attrModel+": llama-3-8b")
		}
	}
	gate, err := parseGate(pod, attributes)
	return Claim{Volume: volume, Pod: pod, Model: model, Gate: gate}, err
}

// parseGate reads what the pod's readiness waits for.
func parseGate(pod PodRef, attributes map[string]string) (Gate, error) {
	g := Gate{Continuous: attributes[attrReadiness] == "Continuous"}
	switch value, asked := attributes[attrReadiness]; {
	case !asked:
		return Gate{}, nil
	case value != "VRAM" && value != "Continuous":
		return Gate{}, invalid("pod", pod.String(), fmt.Sprintf("volume attribute %s is %q", attrReadiness, clip(value)), "want VRAM or Continuous")
	}
	g.Waits = true
	for name, into := range map[string]*int64{attrWeights: &g.WeightsPerGPU, attrWeightGPUs: &g.GPUs, attrLoadPort: &g.Load.Port} {
		value, ok := attributes[name]
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil || n < 0 || n > 1<<50 {
			return Gate{}, invalid("pod", pod.String(), fmt.Sprintf("volume attribute %s is %q", name, clip(value)), "want a whole number")
		}
		*into = n
	}
	g.Load.Server, g.Load.Model = attributes[attrLoadServer], attributes[attrLoadModel]
	return g, g.Load.check(pod)
}

// check refuses a load that nobody could be asked for.
func (l Load) check(pod PodRef) error {
	const highest = 65535
	switch {
	case l == Load{}:
		return nil
	case l.Model == "" || len(l.Model) > maxName || hasControl(l.Model):
		return invalid("pod", pod.String(), fmt.Sprintf("volume attribute %s is %q", attrLoadModel, clip(l.Model)), "want the name that the server gives the model")
	case l.Port < 1 || l.Port > highest:
		return invalid("pod", pod.String(), fmt.Sprintf("volume attribute %s is %d", attrLoadPort, l.Port), "want a port")
	}
	return nil
}

func checkVolume(volume string) error {
	if volume == "" || len(volume) > maxVolumeID || hasControl(volume) {
		return invalid("volume", fmt.Sprintf("%q", clip(volume)), fmt.Sprintf("want an id of 1 to %d bytes", maxVolumeID), "")
	}
	return nil
}

func checkPod(volume string, pod PodRef) error {
	for _, field := range []struct{ attribute, value string }{
		{podNamespace, pod.Namespace}, {podName, pod.Name}, {podUID, pod.UID}, {serviceAccount, pod.ServiceAccount},
	} {
		if field.value == "" {
			return invalid("volume", volume, "the kubelet does not say "+field.attribute, "set podInfoOnMount: true in the CSIDriver object "+DriverName)
		}
		if len(field.value) > maxName || hasControl(field.value) {
			return invalid("volume", volume, fmt.Sprintf("%s is %q", field.attribute, clip(field.value)), "")
		}
	}
	return nil
}

// checkAttributes refuses what is not understood: a misspelled attribute must not go
// unnoticed until the wrong bytes are mounted.
func checkAttributes(pod PodRef, attributes map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		if !slices.Contains(attributeNames, name) && !strings.HasPrefix(name, kubeletPrefix) {
			return invalid("pod", pod.String(), fmt.Sprintf("unknown volume attribute %q", clip(name)), "there are model, namespace and mode")
		}
	}
	if _, named := attributes[attrModel]; !named {
		return invalid("pod", pod.String(), "the volume names no model", "add the volume attribute model: NAME, a Model of the pod's namespace")
	}
	switch mode := attributes[attrMode]; mode {
	case "", "Wait":
		return nil
	case "Stream":
		return invalid("pod", pod.String(), "mode Stream is not built yet", "leave mode out, or set it to Wait")
	default:
		return invalid("pod", pod.String(), fmt.Sprintf("unknown mode %q", clip(mode)), "leave mode out, or set it to Wait")
	}
}

func invalid(what, which, why, hint string) error {
	return &cachenode.Error{Kind: cachenode.ErrInvalid, Op: "publish for " + what, Subject: which, Err: errors.New(why), Hint: hint}
}

func hasControl(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\uFFFD' })
}

// clip keeps what somebody else wrote from filling a message.
func clip(s string) string {
	const most = 64
	if len(s) <= most {
		return s
	}
	return s[:most] + "..."
}
