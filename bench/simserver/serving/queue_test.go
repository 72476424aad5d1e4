// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestQueue_ServesSoManyAtATimeInTheOrderOfArrival(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, start := newQueue(2), time.Now()
		var mu sync.Mutex
		var served []int
		var all sync.WaitGroup
		for i := range 7 {
			all.Go(func() {
				leave, err := q.enter(t.Context())
				if err != nil {
					t.Error(err)
					return
				}
				defer leave()
				mu.Lock()
				served = append(served, i)
				mu.Unlock()
				<-time.After(time.Second)
			})
			synctest.Wait() // it has its slot or its place in the queue
		}
		if running, waiting := q.counts(); running != 2 || waiting != 5 {
			t.Errorf("%d run and %d wait, want 2 and 5", running, waiting)
		}
		all.Wait()
		if took := time.Since(start); took != 4*time.Second {
			t.Errorf("7 requests of 1 s, 2 at a time, took %v, want 4 s", took)
		}
		if !slices.IsSorted(served) {
			t.Errorf("served in the order %v", served)
		}
		if running, waiting := q.counts(); running != 0 || waiting != 0 {
			t.Errorf("%d run and %d wait at the end", running, waiting)
		}
	})
}

func TestQueue_WhoStopsWaitingLeavesThePlaceToTheNext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(1)
		leave, err := q.enter(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		impatient, stop := context.WithCancel(t.Context())
		gave := make(chan error, 1)
		go func() { _, err := q.enter(impatient); gave <- err }()
		synctest.Wait()
		next := make(chan func(), 1)
		go func() {
			leave, err := q.enter(t.Context())
			if err != nil {
				t.Error(err)
			}
			next <- leave
		}()
		synctest.Wait()
		stop()
		if err := <-gave; !errors.Is(err, context.Canceled) {
			t.Errorf("who stopped waiting got %v", err)
		}
		if _, waiting := q.counts(); waiting != 1 {
			t.Errorf("%d wait, want the other one alone", waiting)
		}
		leave()
		(<-next)()
		if running, _ := q.counts(); running != 0 {
			t.Errorf("%d run at the end", running)
		}
	})
}

func TestQueue_DrainWaitsForTheLastAndLetsNobodyIn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(1)
		leave, err := q.enter(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		drained := make(chan error, 1)
		go func() { drained <- q.drain(t.Context()) }()
		synctest.Wait()
		if _, err := q.enter(t.Context()); !errors.Is(err, errDraining) {
			t.Errorf("a draining queue answered %v", err)
		}
		select {
		case err := <-drained:
			t.Fatalf("drained with %v while a request runs", err)
		default:
		}
		leave()
		if err := <-drained; err != nil {
			t.Error(err)
		}
	})
}
