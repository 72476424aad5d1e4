// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// EvictBeforeAnnotation on a Model has nodes remove their copies that no Prefetch wants and no pod has used since this time
// (RFC 3339). It is what kubectl hoist evict writes.
const EvictBeforeAnnotation = "hoist.dev/evict-before"

// The types of conditions.
const (
	// ResolvedCondition of a Model: its source was read and its revision is pinned.
	ResolvedCondition = "Resolved"
	// ReadyCondition of a Model: it can be mounted. Of a Prefetch: every chosen node has its copy. Of a CacheNode: the agent works.
	ReadyCondition = "Ready"
	// SourceDriftedCondition of a Model: the source holds another revision than the pinned one.
	SourceDriftedCondition = "SourceDrifted"
	// CapacityAvailableCondition of a Prefetch: there are nodes enough, with room enough.
	CapacityAvailableCondition = "CapacityAvailable"

	// CannotWakeCondition of a ScalePolicy: it may not sleep, though it is asked to. This one and those below are there only when True.
	CannotWakeCondition = "CannotWake"
	// QuotaTooSmallCondition of a ScalePolicy: its namespace, or its queue, admits fewer replicas than its maximum.
	QuotaTooSmallCondition = "QuotaTooSmall"
	// FleetTooSmallCondition of a ScalePolicy: the nodes that there are hold fewer replicas than its maximum.
	FleetTooSmallCondition = "FleetTooSmall"
	// GPUMetricRefusedCondition of a ScalePolicy: it does not scale on spec.gpu, which could not scale down.
	GPUMetricRefusedCondition = "GPUMetricRefused"
	// DemandUnknownCondition of a ScalePolicy: KEDA can't read the demand, and keeps the fallback.
	DemandUnknownCondition = "DemandUnknown"
)

// The reasons of conditions.
const (
	PinnedReason            = "Pinned"            // the revision is known
	SourceNotFoundReason    = "SourceNotFound"    // no such bucket or prefix
	SourceDeniedReason      = "SourceDenied"      // credentials missing, wrong or not allowed
	SourceUnavailableReason = "SourceUnavailable" // the origin does not answer
	SourceInvalidReason     = "SourceInvalid"     // the URI or what is there can't be taken
	SourceUnsupportedReason = "SourceUnsupported" // this build or this installation has no source for the URI's scheme
	SecretMissingReason     = "SecretMissing"     // spec.credentials names a Secret that is not there, or lacks a key
	UnsafeReason            = "Unsafe"            // pickles, lying headers, hostile names
	InSyncReason            = "InSync"            // source and pin are the same
	DriftedReason           = "Drifted"           // they are not
	NotResolvedReason       = "NotResolved"       // waits for Resolved

	CompleteReason         = "Complete"         // every chosen node has its copy
	FetchingReason         = "Fetching"         // bytes are on their way
	FailedReason           = "Failed"           // a node could not make its copy
	SuspendedReason        = "Suspended"        // spec.suspend
	OutsideScheduleReason  = "OutsideSchedule"  // spec.schedule's window is closed
	ScheduleInvalidReason  = "ScheduleInvalid"  // spec.schedule can't be read
	SelectorInvalidReason  = "SelectorInvalid"  // spec.nodes.selector can't be read
	ModelMissingReason     = "ModelMissing"     // there is no such Model
	ModelNotResolvedReason = "ModelNotResolved" // the Model's revision is not known yet
	NoNodesReason          = "NoNodes"          // no node is chosen
	TooBigReason           = "TooBig"           // no chosen node has room for the model
	NotEnoughNodesReason   = "NotEnoughNodes"   // fewer nodes than asked for can take it
	EnoughReason           = "Enough"           // nodes and room
	AgentWorkingReason     = "AgentWorking"     // the node's agent answers
	AgentDrainingReason    = "AgentDraining"    // it is being ended
	DiskDownReason         = "DiskDown"         // the cache's disk is broken
	DiskUnstableReason     = "DiskUnstable"     // the cache's disk had failures
	AgentSilentReason      = "AgentSilent"      // it has not reported for two heartbeats

	ScalingReason           = "Scaling"           // KEDA scales the target
	TargetMissingReason     = "TargetMissing"     // there is no such workload
	ServerUnknownReason     = "ServerUnknown"     // nobody says what the demand is
	PrometheusMissingReason = "PrometheusMissing" // nobody says where Prometheus is
	FloorInvalidReason      = "FloorInvalid"      // spec.floors can't be read
	KEDAMissingReason       = "KEDAMissing"       // there is no KEDA, or an old one
	KEDARefusedReason       = "KEDARefused"       // it does not take the ScaledObject
	KEDANotReadyReason      = "KEDANotReady"      // it does not do what the ScaledObject says
	NotOursReason           = "NotOurs"           // somebody else's ScaledObject has the name
	NoWakeSourceReason      = "NoWakeSource"      // only pods would tell of requests
	QueueOnlyReason         = "QueueOnly"         // the server does not tell of requests that run
	QuotaReason             = "Quota"             // of the namespace
	KueueReason             = "Kueue"             // of the ClusterQueue behind the pods' queue
	FleetReason             = "Fleet"             // of nodes
	VRAMKeptReason          = "VRAMKept"          // the server keeps the memory that it once took
	FallbackReason          = "Fallback"          // KEDA's, because it can't read the demand
)
