// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package gpu

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	podresources "k8s.io/kubelet/pkg/apis/podresources/v1"
)

// Assignments are what the kubelet says it gave to which pod (KEP-606). Close it.
type Assignments struct {
	connection *grpc.ClientConn
	client     podresources.PodResourcesListerClient
}

// OpenAssignments names the kubelet's socket, pod-resources/kubelet.sock below its folder. It connects with the first call.
func OpenAssignments(path string) (*Assignments, error) {
	connection, err := grpc.NewClient("unix://"+path, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, fmt.Errorf("open the kubelet's pod resources at %s: %w", path, err)
	}
	return &Assignments{connection, podresources.NewPodResourcesListerClient(connection)}, nil
}

// Close ends the connection.
func (a *Assignments) Close() error { return a.connection.Close() }

// uuid finds a device in the names that device plugins give: GPU-…, MIG-…, and GPU-…::3 for the fourth share of one.
var uuid = regexp.MustCompile(`(?:GPU|MIG)-[0-9a-fA-F-]+`)

// Pods are the UUIDs of every pod's GPUs, by namespace/name; a pod without any has an empty list, and one that the kubelet does not know is
// not there.
func (a *Assignments) Pods(ctx context.Context) (map[string][]string, error) {
	answer, err := a.client.List(ctx, &podresources.ListPodResourcesRequest{})
	if err != nil {
		return nil, fmt.Errorf("ask the kubelet for pod resources: %w", err)
	}
	all := map[string][]string{}
	for _, pod := range answer.GetPodResources() {
		his := []string{}
		for _, c := range pod.GetContainers() {
			for _, d := range c.GetDevices() {
				if !strings.HasPrefix(d.GetResourceName(), "nvidia.com/") {
					continue
				}
				for _, id := range d.GetDeviceIds() {
					his = append(his, uuid.FindString(id))
				}
			}
		}
		slices.Sort(his)
		all[pod.GetNamespace()+"/"+pod.GetName()] = slices.DeleteFunc(slices.Compact(his), func(s string) bool { return s == "" })
	}
	return all, nil
}
