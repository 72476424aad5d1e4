// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/hoist-dev/hoist/api/v1alpha1"
)

// recorder is an event recorder that hands on what is said.
type recorder chan string

func (r recorder) Eventf(_, _ runtime.Object, _, _, _, note string, args ...any) {
	r <- fmt.Sprintf(note, args...)
}

// The first look makes the CacheNode, the second writes what the node holds, and the third has nothing to say.
func TestReporter_JoinsThenWritesThenIsSilent(t *testing.T) {
	t.Parallel()
	writes, down := 0, false
	s := newStation(t, interceptor.Funcs{SubResourcePatch: func(ctx context.Context, c client.Client, sub string, o client.Object, p client.Patch, opts ...client.SubResourcePatchOption) error {
		if down {
			return errors.New("connection refused")
		}
		writes++
		return c.SubResource(sub).Patch(ctx, o, p, opts...)
	}})
	read := func() (c v1alpha1.CacheNode) {
		t.Helper()
		if err := s.Get(t.Context(), client.ObjectKey{Name: "node1"}, &c); err != nil {
			t.Fatal(err)
		}
		return c
	}
	for range 5 {
		if err := s.reporter.report(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if c := read(); writes != 2 || c.Status.ReportedAt == nil || c.Status.Version != "test" || c.Status.Conditions[0].Reason != v1alpha1.AgentWorkingReason {
		t.Errorf("after %d writes it is %+v", writes, c.Status)
	}
	down = true // news that could not be written is written later
	s.shall(s.llama(nil))
	s.awaitPhase(v1alpha1.ReadyPhase)
	if err := s.reporter.report(t.Context()); err == nil {
		t.Error("a failed write is none")
	}
	down = false
	if err := s.reporter.report(t.Context()); err != nil {
		t.Fatal(err)
	}
	if c := read(); c.Status.Copies.ReadyOfTotal != "1/1" {
		t.Errorf("it is %+v", c.Status)
	}
	if err := s.reporter.Drained(t.Context()); err != nil {
		t.Fatal(err)
	}
	if c := read(); c.Status.Conditions[0].Reason != v1alpha1.AgentDrainingReason {
		t.Errorf("draining it is %+v", c.Status.Conditions)
	}
}
