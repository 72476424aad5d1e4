// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package serve_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hoist-dev/hoist/bench/simserver/serve"
)

func TestQueue_GaugesAreExactAndTheMakespanIsThatOfTheSlots(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ requests, slots int }{{1, 1}, {7, 1}, {7, 2}, {8, 4}, {3, 8}, {50, 7}} {
		t.Run(fmt.Sprintf("%d requests in %d slots", c.requests, c.slots), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s, start := ready(c.slots), time.Now()
				var all sync.WaitGroup
				for i := range c.requests {
					all.Go(func() {
						if code := complete(t.Context(), s); code != http.StatusOK {
							t.Errorf("answered %d", code)
						}
					})
					synctest.Wait()
					wantLoad(t, s, min(i+1, c.slots), max(i+1-c.slots, 0))
				}
				<-time.After(time.Second / 2)
				for left := c.requests; left > 0; left -= c.slots { // between two waves
					wantLoad(t, s, min(left, c.slots), max(left-c.slots, 0))
					<-time.After(time.Second)
				}
				wantLoad(t, s, 0, 0)
				all.Wait()
				waves := (c.requests + c.slots - 1) / c.slots
				values, _ := scrape(t, s)
				if sum := values["vllm:e2e_request_latency_seconds_sum"+vllmLabels]; sum != makespans(c.requests, c.slots) {
					t.Errorf("the latencies add up to %v s, want %v s", sum, makespans(c.requests, c.slots))
				}
				if took := time.Since(start).Truncate(time.Second); took != time.Duration(waves)*time.Second {
					t.Errorf("took %v, want %d waves of 1 s", took, waves)
				}
			})
		})
	}
}

// makespans adds up what requests of 1 s that came together take: their wave.
func makespans(requests, slots int) (sum float64) {
	for i := range requests {
		sum += float64(i/slots + 1)
	}
	return sum
}

func TestQueue_ServesInTheOrderOfArrival(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := ready(1)
		var order []int
		var mu sync.Mutex
		var all sync.WaitGroup
		for i := range 20 {
			all.Go(func() {
				complete(t.Context(), s)
				mu.Lock()
				defer mu.Unlock()
				order = append(order, i)
			})
			synctest.Wait()
		}
		all.Wait()
		if !slices.IsSorted(order) || len(order) != 20 {
			t.Errorf("served in the order %v", order)
		}
	})
}

func TestQueue_WhoGoesAwayFreesThePlaceAndTheSlot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := ready(1)
		var all sync.WaitGroup
		request := func(ctx context.Context) {
			all.Go(func() { complete(ctx, s) })
			synctest.Wait()
		}
		running, leaveSlot := context.WithCancel(t.Context())
		waiting, leavePlace := context.WithCancel(t.Context())
		request(running)
		request(waiting)
		request(t.Context())
		wantLoad(t, s, 1, 2)
		leavePlace()
		synctest.Wait()
		wantLoad(t, s, 1, 1)
		start := time.Now()
		leaveSlot()
		synctest.Wait()
		wantLoad(t, s, 1, 0)
		all.Wait()
		if took := time.Since(start); took != time.Second {
			t.Errorf("the last took %v after the slot was free, want 1 s", took)
		}
		values, _ := scrape(t, s)
		wantValues(t, values, map[string]float64{`vllm:request_success_total{engine="0",model_name="m",finished_reason="stop"}`: 1})
	})
}

func TestQueue_KeepsCountWhateverClientsDo(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 1))
			slots := 1 + random.IntN(4)
			s := ready(slots)
			var all sync.WaitGroup
			var mu sync.Mutex
			open := 0
			for range 100 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(random.IntN(5000)+1)*time.Millisecond)
				open++
				all.Go(func() {
					defer cancel()
					complete(ctx, s)
					mu.Lock()
					defer mu.Unlock()
					open--
				})
				<-time.After(time.Duration(random.IntN(600)) * time.Millisecond)
				synctest.Wait()
				mu.Lock()
				wantLoad(t, s, min(open, slots), max(open-slots, 0))
				mu.Unlock()
			}
			all.Wait()
			wantLoad(t, s, 0, 0)
			if err := s.Drain(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestQueue_RefusesWhatItHasNoPlaceFor(t *testing.T) {
	t.Parallel()
	for dialect, want := range map[serve.Dialect]int{
		serve.VLLM: http.StatusServiceUnavailable, serve.SGLang: http.StatusServiceUnavailable, serve.TGI: http.StatusTooManyRequests,
	} {
		t.Run(string(dialect), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := serve.New(serve.Options{Dialect: dialect, Concurrency: 1, MaxQueue: 1, Service: serve.ServiceTime{Mean: time.Second}})
				s.Ready()
				path, body := "/v1/completions", ask
				if dialect == serve.TGI {
					path, body = "/generate", `{"inputs":"hi"}`
				}
				var all sync.WaitGroup
				for range 2 {
					all.Go(func() {
						if code := call(t.Context(), s, http.MethodPost, path, body).Code; code != http.StatusOK {
							t.Errorf("who had a place was answered %d", code)
						}
					})
					synctest.Wait()
				}
				if code := call(t.Context(), s, http.MethodPost, path, body).Code; code != want {
					t.Errorf("answered %d, want %d", code, want)
				}
				all.Wait()
			})
		})
	}
}
