// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// Annotations of pods, and of the workloads that make them: everything but the first is optional. docs/annotations.md describes them.
const (
	ModelAnnotation         = "hoist.dev/model"           // NAME of a Model, or NAMESPACE/NAME
	MountPathAnnotation     = "hoist.dev/mount-path"      // folder in the containers; /models/NAME
	ContainersAnnotation    = "hoist.dev/containers"      // names, init containers among them, that see the model
	ModeAnnotation          = "hoist.dev/mode"            // Wait or Stream
	ServerAnnotation        = "hoist.dev/server"          // the inference server's kind
	ReadinessAnnotation     = "hoist.dev/readiness"       // VRAM, Continuous, HTTP or Off
	VRAMAnnotation          = "hoist.dev/vram-per-gpu"    // memory that each GPU of the pod must have, as a quantity; 0 asks for none
	WeightsPerGPUAnnotation = "hoist.dev/weights-per-gpu" // bytes of weights that land on each GPU, as a quantity
	ServedModelAnnotation   = "hoist.dev/served-model"    // name that the server gives the model, for servers that load when they are asked
)

// FreeVRAMLabel of a node is how much memory its emptiest GPU has free, in MiB, rounded down to a GiB: a hint for schedulers.
const FreeVRAMLabel = "hoist.dev/gpu.memory-free"

// Driver is the CSI driver that volumes name, and its volume attributes.
const (
	Driver             = "csi.hoist.dev"
	ModelAttribute     = "model"
	NamespaceAttribute = "namespace" // of the Model, where it is not the pod's

	// What the pod's readiness gate waits for, by the webhook.
	ReadinessAttribute     = "readiness"     // VRAM or Continuous
	WeightsPerGPUAttribute = "weightsPerGPU" // bytes
	WeightGPUsAttribute    = "weightGPUs"    // on how many GPUs the weights are spread

	// Whom the agent asks to load, where the server loads when it is asked first.
	LoadServerAttribute = "loadServer" // kind of the server
	LoadPortAttribute   = "loadPort"
	LoadModelAttribute  = "loadModel" // name that the server gives the model
)
