// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package scale_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/hoist-dev/hoist/test/e2e/suite"
)

// gateway is in front of all pods, as the simulation's queue is: who comes first gets the first free slot, of the pod with the fewest
// requests. All that it keeps belongs to run's goroutine.
type gateway struct {
	slots   int
	gauge   string // where it tells how many are in flight
	begin   time.Time
	pods    map[string]*server
	present []count // pods that are there, over time
	starts  []time.Duration
	waiting []*request
	flying  int
	retried int
	done    chan reply
}

type server struct {
	url   string
	seen  time.Time
	ready bool // and asked to stay
	once  bool // it was ready
	busy  int
}

type request struct {
	at, began, took time.Duration // since begin; took from began on
}

type reply struct {
	of   *request
	from *server
	err  error
}

type count struct {
	at time.Duration
	n  int
}

// run serves requests as they come, and returns when all are served and end is over.
func (g *gateway) run(ctx context.Context, requests []*request, events <-chan watch.Event, end time.Duration) error {
	g.done = make(chan reply, len(requests))
	told := make(chan int, 1)
	go g.tell(ctx, told)
	over, served := time.After(time.Until(g.begin.Add(end))), 0
	for next := 0; served < len(requests) || over != nil; {
		var arrival <-chan time.Time
		if next < len(requests) {
			arrival = time.After(time.Until(g.begin.Add(requests[next].at)))
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d of %d requests are served: %w", served, len(requests), ctx.Err())
		case <-over:
			over = nil
		case <-arrival:
			g.waiting = append(g.waiting, requests[next])
			next++
		case e, open := <-events:
			if !open {
				return errors.New("the watch of the pods has ended")
			}
			if pod, ok := e.Object.(*corev1.Pod); ok {
				g.see(e.Type, pod)
			}
		case r := <-g.done:
			g.flying--
			r.from.busy--
			if r.err == nil {
				r.of.took = time.Since(g.begin) - r.of.began
				served++
				break
			}
			g.retried++ // the pod has been told to end, and the watch will say so
			r.from.ready = false
			g.waiting = append([]*request{r.of}, g.waiting...)
		}
		g.dispatch(ctx)
		select {
		case <-told: // what nobody has fetched is old
		default:
		}
		told <- len(g.waiting) + g.flying
	}
	return nil
}

// see takes in what the watch says of a pod.
func (g *gateway) see(kind watch.EventType, pod *corev1.Pod) {
	s := g.pods[pod.Name]
	switch {
	case kind == watch.Deleted:
		delete(g.pods, pod.Name)
	case s == nil:
		s = &server{seen: time.Now()}
		g.pods[pod.Name] = s
		fallthrough
	default:
		s.url = "http://" + pod.Status.PodIP + ":8000/v1/completions"
		if s.ready = suite.PodReady(pod); s.ready && !s.once {
			s.once = true
			g.starts = append(g.starts, time.Since(s.seen))
		}
	}
	if last := len(g.present); last == 0 || g.present[last-1].n != len(g.pods) {
		g.present = append(g.present, count{time.Since(g.begin), len(g.pods)})
	}
}

func (g *gateway) dispatch(ctx context.Context) {
	for len(g.waiting) > 0 {
		var best *server
		for _, s := range g.pods {
			if s.ready && s.busy < g.slots && (best == nil || s.busy < best.busy) {
				best = s
			}
		}
		if best == nil {
			return
		}
		r := g.waiting[0]
		g.waiting = g.waiting[1:]
		r.began = time.Since(g.begin)
		best.busy++
		g.flying++
		url := best.url
		go func() { g.done <- reply{r, best, post(ctx, url, "application/json", `{"model":"tiny","prompt":"hi"}`)} }()
	}
}

// tell keeps the gauge that Prometheus scrapes.
func (g *gateway) tell(ctx context.Context, told <-chan int) {
	for {
		select {
		case <-ctx.Done():
			return
		case n := <-told:
			_ = post(ctx, g.gauge, "text/plain", strconv.Itoa(n)) // the next one comes soon
		}
	}
}

func post(ctx context.Context, url, kind, body string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", kind)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", url, response.Status)
	}
	return nil
}
