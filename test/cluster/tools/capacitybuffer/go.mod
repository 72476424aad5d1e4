// Karpenter, for the CapacityBuffer API that it and Cluster Autoscaler share: its CRD is read, nothing is built.
module github.com/hoist-dev/hoist/test/cluster/tools/capacitybuffer

go 1.26.6

require sigs.k8s.io/karpenter v1.14.1
