// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"

	"github.com/hoist-dev/hoist/prefetch/plan"
)

// A benchmark holds a Lease of its model, so that another one does not take it for dead. One that was killed lets go after turnLasts.
const (
	turnLasts  = 15 * time.Second
	turnRenews = 10 * time.Second
	turnTries  = 2 * time.Second
)

// takeTurn waits until no other benchmark of the model goes on, or refuses if that one is alive.
func (b *bench) takeTurn(ctx context.Context, model plan.Key) (release func(), err error) {
	leases := b.Kube.CoordinationV1().Leases(model.Namespace)
	name := "hoist-bench-" + model.Name
	_, err = leases.Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsForbidden(err) {
		return b.withoutTurn(model), nil
	}
	if err != nil && !apierrors.IsNotFound(err) {
		return nil, fmt.Errorf("read the Lease %s/%s: %w", model.Namespace, name, err)
	}
	host, err := os.Hostname()
	if err != nil {
		return nil, err
	}
	mine := make(chan struct{})
	begin := sync.OnceFunc(func() { close(mine) })
	elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Lock: &resourcelock.LeaseLock{LeaseMeta: metav1.ObjectMeta{Namespace: model.Namespace, Name: name}, Client: b.Kube.CoordinationV1(),
			LockConfig: resourcelock.ResourceLockConfig{Identity: fmt.Sprintf("%s, process %d (%s)", host, os.Getpid(), rand.Text()[:8])}},
		LeaseDuration: turnLasts, RenewDeadline: turnRenews, RetryPeriod: turnTries, ReleaseOnCancel: true,
		Callbacks: leaderelection.LeaderCallbacks{OnStartedLeading: func(context.Context) { begin() }, OnStoppedLeading: func() {}},
	})
	if err != nil {
		return nil, err
	}
	held, stop := context.WithCancel(context.WithoutCancel(ctx))
	var holding sync.WaitGroup
	holding.Go(func() { wait.UntilWithContext(held, elector.Run, turnTries) })
	release = func() {
		stop()
		holding.Wait()
		b.removeLease(context.WithoutCancel(ctx), model.Namespace, name)
	}
	select {
	case <-mine:
		return release, nil
	case <-ctx.Done():
		err = ctx.Err()
	case <-time.After(2 * turnLasts):
		err = fmt.Errorf("another benchmark of Model %s/%s goes on: %s holds the Lease %s", model.Namespace, model.Name, elector.GetLeader(), name)
	}
	release()
	if elector.GetLeader() == "" && ctx.Err() == nil { // nobody holds it, and it could not be written
		return b.withoutTurn(model), nil
	}
	return nil, err
}

// withoutTurn goes on without a Lease.
func (b *bench) withoutTurn(model plan.Key) (release func()) {
	b.step("make sure that no other benchmark of Model %s/%s goes on: who has no right to Leases can't tell", model.Namespace, model.Name)
	return func() {}
}

// removeLease removes a Lease that nobody holds. That one stays harms nobody.
func (b *bench) removeLease(ctx context.Context, namespace, name string) {
	leases := b.Kube.CoordinationV1().Leases(namespace)
	lease, err := leases.Get(ctx, name, metav1.GetOptions{})
	if err != nil || lease.Spec.HolderIdentity != nil && *lease.Spec.HolderIdentity != "" {
		return
	}
	_ = leases.Delete(ctx, name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{ResourceVersion: &lease.ResourceVersion}})
}
