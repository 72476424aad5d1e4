// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ScalePolicy says how many replicas of an inference server there are: as many as the requests that it works on, or that wait for it, need.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=sp,categories=hoist,path=scalepolicies
// +kubebuilder:printcolumn:name="Target",type=string,JSONPath=`.spec.target.name`
// +kubebuilder:printcolumn:name="Server",type=string,JSONPath=`.status.server`
// +kubebuilder:printcolumn:name="Min",type=integer,JSONPath=`.status.minReplicas`
// +kubebuilder:printcolumn:name="Max",type=integer,JSONPath=`.status.maxReplicas`
// +kubebuilder:printcolumn:name="Replicas",type=integer,JSONPath=`.status.replicas`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Cold-Start-P90",type=integer,JSONPath=`.status.coldStart.p90Seconds`,priority=1,description="seconds from wanted to Ready"
// +kubebuilder:printcolumn:name="Message",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].message`,priority=1
type ScalePolicy struct {
	metav1.TypeMeta `json:",inline"`
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// +required
	Spec ScalePolicySpec `json:"spec"`
	// +optional
	Status ScalePolicyStatus `json:"status,omitempty,omitzero"`
}

// ScalePolicySpec is what the user says.
//
// +kubebuilder:validation:XValidation:rule="!has(self.minReplicas) || self.minReplicas <= self.maxReplicas",message="minReplicas can't be more than maxReplicas"
type ScalePolicySpec struct {
	// target is what is scaled.
	//
	// +required
	Target ScaleTarget `json:"target"`

	// server is the kind of the inference server; told by the target's pods when it is left out.
	//
	// +optional
	// +kubebuilder:validation:Enum=vLLM;TGI;SGLang;Triton;TensorRT-LLM;NIM;LMDeploy;llama.cpp;TEI;Ollama
	Server string `json:"server,omitempty"`

	// minReplicas that are always there. 0 lets the target sleep, and needs a wake source, for nobody hears a request that no pod
	// receives; without one it counts as 1.
	//
	// +optional
	// +kubebuilder:default=1
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000
	MinReplicas *int32 `json:"minReplicas,omitempty"`

	// maxReplicas that there may be. What the namespace's quota does not admit is taken off; status says so.
	//
	// +optional
	// +kubebuilder:default=4
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	MaxReplicas int32 `json:"maxReplicas,omitempty"`

	// inFlightPerReplica is how many requests, running and waiting together, one replica shall have. Left out, it is 70 % of the
	// concurrency that was measured while requests waited, or else of what the server's arguments allow, or else of 32.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100000
	InFlightPerReplica *int32 `json:"inFlightPerReplica,omitempty"`

	// query replaces the server's own metrics: PromQL that gives one number, the requests that run or wait. No answer is not zero.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=4096
	Query string `json:"query,omitempty"`

	// wake says who hears of requests while there is no pod.
	//
	// +optional
	Wake *WakeSource `json:"wake,omitempty"`

	// gpu adds what DCGM's exporter says of the target's GPUs. It only raises, wakes nothing and keeps nothing awake; where there is no DCGM it
	// says nothing. It is refused, and status says why, where it could not scale down.
	//
	// +optional
	GPU *GPUTrigger `json:"gpu,omitempty"`

	// floors are replicas that are there at certain hours, such as those of business.
	//
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=8
	Floors []Floor `json:"floors,omitempty"`

	// fallbackReplicas are kept, if there are not more, while the demand can't be known; 2 when it is left out.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	FallbackReplicas *int32 `json:"fallbackReplicas,omitempty"`

	// cooldownSeconds without any demand before the target sleeps; twice a slow cold start, and 30 minutes at least, when it is left out.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=604800
	CooldownSeconds *int32 `json:"cooldownSeconds,omitempty"`

	// stabilizationSeconds are how long demand must have been lower before a replica goes; a slow cold start, and 5 minutes at
	// least, when it is left out.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=3600
	StabilizationSeconds *int32 `json:"stabilizationSeconds,omitempty"`

	// forecast has the weights of the target's Model brought to the nodes that its next replicas will likely run on, before demand comes. It
	// learns for a week first. Left out, there is none.
	//
	// +optional
	Forecast *Forecast `json:"forecast,omitempty"`

	// prometheus is where the demand is read; that of the controller when it is left out.
	//
	// +optional
	Prometheus *Prometheus `json:"prometheus,omitempty"`

	// suspend leaves the number of replicas as it is.
	//
	// +optional
	Suspend bool `json:"suspend,omitempty"`
}

// ScaleTarget is a workload of the same namespace.
type ScaleTarget struct {
	// +optional
	// +kubebuilder:default="apps/v1"
	// +kubebuilder:validation:Enum="apps/v1"
	APIVersion string `json:"apiVersion,omitempty"`

	// +optional
	// +kubebuilder:default=Deployment
	// +kubebuilder:validation:Enum=Deployment;StatefulSet
	Kind string `json:"kind,omitempty"`

	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`
}

// WakeSource is a signal in front of the pods.
//
// +kubebuilder:validation:ExactlyOneOf=endpointPicker;httpAddOn;query
type WakeSource struct {
	// endpointPicker is that of the Gateway API inference extension, with flow control: its queue.
	//
	// +optional
	EndpointPicker *EndpointPicker `json:"endpointPicker,omitempty"`

	// httpAddOn is KEDA's, 0.14 or later, whose interceptor holds requests until there is a pod.
	//
	// +optional
	HTTPAddOn *HTTPAddOn `json:"httpAddOn,omitempty"`

	// query is PromQL that gives one number: the requests that wait in front. No answer is zero.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=4096
	Query string `json:"query,omitempty"`
}

// EndpointPicker is that of llm-d.
type EndpointPicker struct {
	// modelName is what requests name, exactly: any other name that somebody makes up must not wake a GPU.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	ModelName string `json:"modelName"`

	// namespace of the endpoint picker, whose metrics have it as a label; that of the policy when it is left out.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=63
	Namespace string `json:"namespace,omitempty"`
}

// HTTPAddOn is KEDA's. Its interceptor tells of the requests that it holds or has passed on, by route.
type HTTPAddOn struct {
	// route is the InterceptorRoute of the policy's namespace that leads to the target. Requests that match no route wake nothing.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`
	Route string `json:"route"`

	// namespace of the interceptor, whose metrics have it as a label: nobody else can speak for it.
	//
	// +optional
	// +kubebuilder:default=keda
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Namespace string `json:"namespace,omitempty"`
}

// GPUTrigger is a second opinion, beside the requests in flight.
type GPUTrigger struct {
	// metric is how much of the time GPUs are busy, or how much of their memory is used. A server that works on many requests at a time is as
	// busy with one. Memory is for servers that give it back while they run, which is Ollama.
	//
	// +optional
	// +kubebuilder:default=Utilization
	// +kubebuilder:validation:Enum=Utilization;Memory
	Metric string `json:"metric,omitempty"`

	// targetPercent that replicas shall have on the average.
	//
	// +optional
	// +kubebuilder:default=90
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	TargetPercent int32 `json:"targetPercent,omitempty"`

	// namespace of DCGM's exporter, whose metrics have it as a label: nobody else can speak for it.
	//
	// +optional
	// +kubebuilder:default=gpu-operator
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Namespace string `json:"namespace,omitempty"`
}

// The metrics of a GPUTrigger.
const (
	GPUUtilization = "Utilization"
	GPUMemory      = "Memory"
)

// Forecast is of the requests in flight, by the minute of the day and the day of the week. It only raises.
type Forecast struct {
	// query is PromQL of what is forecast, in requests in flight: such as the requests that arrive at a gateway in a second, times the seconds
	// that one takes. The policy's demand, when it is left out.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=4096
	Query string `json:"query,omitempty"`

	// timeZone in which days begin, such as Europe/Berlin (IANA); UTC when it is left out.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=64
	TimeZone string `json:"timeZone,omitempty"`

	// nodes that get the weights ahead, at most; 0 is none.
	//
	// +optional
	// +kubebuilder:default=2
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	Nodes *int32 `json:"nodes,omitempty"`

	// tier that the weights are brought to on those nodes.
	//
	// +optional
	// +kubebuilder:default=Disk
	Tier Tier `json:"tier,omitempty"`

	// replicas are made ahead, too, which costs GPU hours.
	//
	// +optional
	Replicas bool `json:"replicas,omitempty"`

	// capacity has room for the next replicas kept on nodes, so that an autoscaler makes those nodes before demand comes, which costs node
	// hours. Left out, none is; {} takes the defaults.
	//
	// +optional
	Capacity *ForecastCapacity `json:"capacity,omitempty"`
}

// CapacityKind is what room is kept with.
//
// +kubebuilder:validation:Enum=Auto;CapacityBuffer;Placeholders
type CapacityKind string

// The kinds.
const (
	// AutoCapacity is CapacityBuffer where the cluster has that API, else Placeholders.
	AutoCapacity CapacityKind = "Auto"
	// CapacityBuffer is an object that Cluster Autoscaler and Karpenter keep room for.
	CapacityBuffer CapacityKind = "CapacityBuffer"
	// Placeholders are pods of negative priority, which make way for any other.
	Placeholders CapacityKind = "Placeholders"
)

// ForecastCapacity is room for replicas that the forecast expects in nine of ten such minutes at the most, beyond those that there are.
type ForecastCapacity struct {
	// maxReplicas is the budget: there is room kept for so many replicas at most.
	//
	// +optional
	// +kubebuilder:default=1
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	MaxReplicas int32 `json:"maxReplicas,omitempty"`

	// kind is what room is kept with: CapacityBuffer, an object that Cluster Autoscaler and Karpenter read; Placeholders, pods that make way
	// for any other, which works with every autoscaler; or Auto, a CapacityBuffer where the cluster has that API, else placeholders. The chart
	// says which of them the controller may make.
	//
	// +optional
	// +kubebuilder:default=Auto
	Kind CapacityKind `json:"kind,omitempty"`

	// nodeSeconds is how long a new node takes until pods can start on it, which is how much earlier than weights it is asked for.
	//
	// +optional
	// +kubebuilder:default=300
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=3600
	NodeSeconds *int32 `json:"nodeSeconds,omitempty"`
}

// Prometheus is where metrics are.
type Prometheus struct {
	// address with its port, such as http://prometheus-operated.monitoring.svc:9090.
	//
	// +required
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:Pattern=`^https?://[A-Za-z0-9.\[\]:_-]+(/[A-Za-z0-9._~/-]*)?$`
	Address string `json:"address"`

	// authentication names a TriggerAuthentication of KEDA in the same namespace, for a Prometheus that asks who it is.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=253
	Authentication string `json:"authentication,omitempty"`

	// authModes of it: bearer, basic, tls or custom, several with commas.
	//
	// +optional
	// +kubebuilder:validation:Pattern=`^(bearer|basic|tls|custom)(,(bearer|basic|tls|custom))*$`
	AuthModes string `json:"authModes,omitempty"`
}

// ScalePolicyStatus is how it goes.
type ScalePolicyStatus struct {
	// conditions are Ready, and those that say in words what is wrong.
	//
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// observedGeneration is the generation of the spec that status speaks of.
	//
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// server that is scaled.
	//
	// +optional
	Server string `json:"server,omitempty"`

	// inFlightPerReplica that is aimed at.
	//
	// +optional
	InFlightPerReplica int32 `json:"inFlightPerReplica,omitempty"`

	// inFlightFrom says where that comes from: Spec, Measured, Arguments or Default.
	//
	// +optional
	InFlightFrom string `json:"inFlightFrom,omitempty"`

	// minReplicas that are in force.
	//
	// +optional
	MinReplicas int32 `json:"minReplicas"`

	// maxReplicas that are in force.
	//
	// +optional
	MaxReplicas int32 `json:"maxReplicas,omitempty"`

	// replicas that there are.
	//
	// +optional
	Replicas int32 `json:"replicas"`

	// readyReplicas of them.
	//
	// +optional
	ReadyReplicas int32 `json:"readyReplicas"`

	// forecast is what is expected, where it is asked for.
	//
	// +optional
	Forecast *ForecastStatus `json:"forecast,omitempty"`

	// coldStart is what starts of the target's pods took of late.
	//
	// +optional
	ColdStart *ColdStartStatus `json:"coldStart,omitempty"`
}

// ForecastStatus is what is expected within a cold start from now.
type ForecastStatus struct {
	// replicas that the demand will likely need; 0 while nothing is forecast.
	//
	// +optional
	Replicas int32 `json:"replicas"`

	// nodes that get the weights ahead.
	//
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=100
	Nodes []string `json:"nodes,omitempty"`

	// message says why there is no forecast.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	Message string `json:"message,omitempty"`

	// capacity is the room that is kept on nodes, where it is asked for.
	//
	// +optional
	Capacity *CapacityStatus `json:"capacity,omitempty"`
}

// CapacityStatus is the room that is kept on nodes.
type CapacityStatus struct {
	// kind is what it is kept with: CapacityBuffer or Placeholders; empty where it can't be kept.
	//
	// +optional
	Kind CapacityKind `json:"kind,omitempty"`

	// replicas that room is kept for; 0 while no more are expected than there are.
	//
	// +optional
	Replicas int32 `json:"replicas"`

	// message says why none can be kept, or what it waits for.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	Message string `json:"message,omitempty"`
}

// ScalePolicyList is a list of ScalePolicies.
//
// +kubebuilder:object:root=true
type ScalePolicyList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []ScalePolicy `json:"items"`
}
