// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package scaler

import (
	"context"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/scaler/headroom"
)

// Room is what room on nodes may be kept with.
type Room struct {
	May  headroom.May
	Made headroom.Made // of placeholders
}

// holding is the room that is kept for a policy, and what it was reckoned from.
type holding struct {
	kind                           v1alpha1.CapacityKind
	version                        string // of the CapacityBuffer API
	budget, expected, most, number int32
}

// kept is the room that is kept for a policy after this pass. Where it can't be told or changed, it stays as it was, and weights are brought all the same.
func (f *Forecaster) kept(ctx context.Context, p *v1alpha1.ScalePolicy, facts Facts, o outlook, s *standing) *v1alpha1.CapacityStatus {
	var was *v1alpha1.CapacityStatus
	if p.Status.Forecast != nil {
		was = p.Status.Forecast.Capacity.DeepCopy()
	}
	if s == nil {
		return was
	}
	is, err := f.keep(ctx, p, facts, o, s)
	if err == nil {
		return is
	}
	log.FromContext(ctx).Error(err, "room not kept", "policy", client.ObjectKeyFromObject(p))
	if was == nil {
		was = &v1alpha1.CapacityStatus{}
	}
	was.Message = clipped(err.Error())
	return was
}

// keep keeps room for the replicas that a policy expects. What stands against it is in the status.
func (f *Forecaster) keep(ctx context.Context, p *v1alpha1.ScalePolicy, facts Facts, o outlook, s *standing) (*v1alpha1.CapacityStatus, error) {
	have := s.by[client.ObjectKeyFromObject(p)]
	f.room.Lock()
	defer f.room.Unlock()
	c := p.Spec.Forecast.Capacity
	if c == nil {
		delete(f.keeps, client.ObjectKeyFromObject(p))
		return nil, f.release(ctx, have...)
	}
	kind, message := headroom.Choose(c.Kind, s.version != "", f.Room.May)
	k := holding{kind: kind, version: s.version, budget: c.MaxReplicas, expected: o.room, most: o.most}
	if kind != "" && facts.Workload != nil {
		k.number = headroom.Replicas(k.budget, k.expected, k.most, there(facts.Workload))
	}
	var others []client.Object
	for _, object := range have {
		if k.number == 0 || kindOf(object) != kind {
			others = append(others, object)
		}
	}
	if err := f.release(ctx, others...); err != nil {
		return nil, err
	}
	if k.number > 0 {
		var held bool
		var err error
		if message, held, err = f.hold(ctx, p, facts, k, len(others) < len(have)); err != nil {
			return nil, err
		}
		if !held {
			k.number = 0
			if err := f.release(ctx, have...); err != nil {
				return nil, err
			}
		}
	}
	f.remember(p, k)
	return &v1alpha1.CapacityStatus{Kind: kind, Replicas: k.number, Message: clipped(message)}, nil
}

// there is how many replicas there are, or will be by what is asked for already.
func there(w *Workload) int32 { return max(w.Replicas, w.Wanted) }

// hold makes what keeps room for so many replicas, or changes it, and says what it waits for, or why it can't; ours is whether it is known to be there.
func (f *Forecaster) hold(ctx context.Context, p *v1alpha1.ScalePolicy, facts Facts, k holding, ours bool) (message string, held bool, err error) {
	if k.kind == v1alpha1.CapacityBuffer {
		message, held, err = f.buffer(ctx, p, k.version, k.number, ours)
	} else {
		message, held, err = f.placeholders(ctx, p, facts, k.number)
	}
	switch {
	case apierrors.IsInvalid(err), apierrors.IsBadRequest(err), apierrors.IsForbidden(err), apierrors.IsNotFound(err):
		return "it is not taken: " + err.Error(), false, nil
	case err != nil:
		return "", false, fmt.Errorf("keep room for ScalePolicy %s/%s: %w", p.Namespace, p.Name, err)
	}
	return message, held, nil
}

// release takes away what keeps room.
func (f *Forecaster) release(ctx context.Context, all ...client.Object) error {
	var failed []error
	for _, object := range all {
		uid := object.GetUID()
		if err := client.IgnoreNotFound(f.Client.Delete(ctx, object, client.Preconditions{UID: &uid})); err != nil {
			failed = append(failed, fmt.Errorf("delete %s %s/%s: %w", kindOf(object), object.GetNamespace(), object.GetName(), err))
		}
	}
	return errors.Join(failed...)
}

// Follow takes room away as soon as replicas are asked for that it was kept for: what makes way for them would be made anew elsewhere, on a node too
// many. It grows in a pass alone.
func (f *Forecaster) Follow(ctx context.Context, p *v1alpha1.ScalePolicy, facts Facts) error {
	f.room.Lock()
	defer f.room.Unlock()
	k, ok := f.keeps[client.ObjectKeyFromObject(p)]
	if !ok || facts.Workload == nil {
		return nil
	}
	number := headroom.Replicas(k.budget, k.expected, k.most, there(facts.Workload))
	if number >= k.number {
		return nil
	}
	k.number = number
	message, held, err := f.hold(ctx, p, facts, k, true)
	if err != nil || !held {
		return err // the next pass tries again
	}
	f.remember(p, k)
	if p.Status.Forecast != nil {
		p.Status.Forecast.Capacity = &v1alpha1.CapacityStatus{Kind: k.kind, Replicas: number, Message: clipped(message)}
	}
	return nil
}

// remember is called with room locked.
func (f *Forecaster) remember(p *v1alpha1.ScalePolicy, k holding) {
	if f.keeps == nil {
		f.keeps = map[client.ObjectKey]holding{}
	}
	f.keeps[client.ObjectKeyFromObject(p)] = k
}
