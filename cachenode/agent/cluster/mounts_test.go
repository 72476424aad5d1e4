// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/cachenode"
	"github.com/hoist-dev/hoist/cachenode/csi"
	"github.com/hoist-dev/hoist/cachenode/fetch"
)

func claimOf(namespace string) csi.Claim {
	return csi.Claim{Volume: "csi-" + namespace, Pod: csi.PodRef{Namespace: namespace, Name: "web-0", UID: "uid"}, Model: csi.ModelRef{Namespace: "team-a", Name: "llama"}}
}

func TestMounts_GivePodsOfTheNamespaceAndThoseThatAreGranted(t *testing.T) {
	t.Parallel()
	s := newStation(t, interceptor.Funcs{})
	llama := s.llama(func(m *v1alpha1.Model) { m.Spec.AllowedNamespaces = []string{"team-b"} })
	for _, namespace := range []string{"team-a", "team-b"} {
		lease, err := s.mounts.Acquire(t.Context(), claimOf(namespace))
		if err != nil || string(lease.Revision) != llama.Status.Revision {
			t.Fatalf("%s gets %+v, %v", namespace, lease, err)
		}
		if n := s.mounts.Counts.all()[key("llama")]; n != 1 {
			t.Errorf("%d mounts are counted", n)
		}
		lease.Release()
	}
	if n := len(s.mounts.Counts.all()); n != 0 {
		t.Errorf("%d models are counted as mounted when all was given back", n)
	}
}

// J3: a Model that does not admit a pod and one that is not there look alike, letter by letter.
func TestMounts_TellAStrangerNothing(t *testing.T) {
	t.Parallel()
	s := newStation(t, interceptor.Funcs{})
	_, missing := s.mounts.Acquire(t.Context(), claimOf("team-c"))
	s.llama(nil)
	_, denied := s.mounts.Acquire(t.Context(), claimOf("team-c"))
	if !errors.Is(missing, cachenode.ErrNotFound) || denied == nil || missing.Error() != denied.Error() {
		t.Errorf("missing: %v\ndenied:  %v", missing, denied)
	}
}

func TestMounts_SayWhyAModelCannotBeMountedYet(t *testing.T) {
	t.Parallel()
	s := newStation(t, interceptor.Funcs{})
	s.llama(func(m *v1alpha1.Model) { m.Status.Revision = "" })
	if _, err := s.mounts.Acquire(t.Context(), claimOf("team-a")); !errors.Is(err, cachenode.ErrUnavailable) || !strings.Contains(err.Error(), "has not been read yet") {
		t.Errorf("it gets %v", err)
	}
}

// C5: what is on the disk is mounted without Secret and origin.
func TestMounts_NeedNoSecretForWhatIsHere(t *testing.T) {
	t.Parallel()
	s := newStation(t, interceptor.Funcs{})
	llama := s.llama(nil)
	first, err := s.mounts.Acquire(t.Context(), claimOf("team-a"))
	if err != nil {
		t.Fatal(err)
	}
	defer first.Release()
	llama.Spec.Credentials = &v1alpha1.Credentials{SecretName: "gone"}
	if err := s.Update(t.Context(), llama); err != nil {
		t.Fatal(err)
	}
	again, err := s.mounts.Acquire(t.Context(), claimOf("team-a"))
	if err != nil {
		t.Fatal(err)
	}
	again.Release()
	resumed, err := s.mounts.Resume(claimOf("team-a"), first.Revision)
	if err != nil || s.mounts.Counts.all()[key("llama")] != 2 {
		t.Fatalf("%+v, %v", s.mounts.Counts.all(), err)
	}
	resumed.Release()
}

// A pod that waits is told how far it is, every 15 seconds, until it has its model.
func TestMounts_TellAPodThatWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		said := make(chan string, 10)
		m := &Mounts{Events: recorder(said)}
		claim := claimOf("team-a")
		progress := new(fetch.Progress)
		end := m.wait(claim, waiting{progress, time.Now()})
		if got := m.Progress(claim); got != "asking the source what there is" {
			t.Errorf("at first it says %q", got)
		}
		<-time.After(31 * time.Second) // of the fake clock
		synctest.Wait()
		if len(said) != 2 || !strings.Contains(<-said, "model llama: asking the source") {
			t.Errorf("%d events in 31 s", len(said))
		}
		end()
		if got := m.Progress(claim); got != "" {
			t.Errorf("in the end it says %q", got)
		}
	})
}

// Once a pod has its model, it is told how long that took since it was asked for first, and not again.
func TestMounts_TellHowLongAMountTook(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		told := make(chan string, 10)
		m := &Mounts{Events: recorder(told)}
		claim := claimOf("team-a")
		m.ask(claim.Volume, time.Now())
		<-time.After(2 * time.Minute) // of the fake clock: the kubelet asks again
		m.downloaded(claim.Volume, 500)
		m.ask(claim.Volume, time.Now())
		<-time.After(time.Second)
		m.downloaded(claim.Volume, 12)
		m.Mounted(claim)
		m.Mounted(claim)
		if len(told) != 1 {
			t.Fatalf("%d events", len(told))
		}
		note := <-told
		_, said, _ := strings.Cut(note, "model ") // behind the reason
		got, ok := v1alpha1.ParseMounted("model " + said)
		if want := (v1alpha1.Mounted{Model: "llama", After: 121 * time.Second, Downloaded: 512}); !ok || got != want {
			t.Errorf("it says %q", note)
		}
		m.ask("gone", time.Now())
		<-time.After(25 * time.Hour)
		m.ask("next", time.Now())
		if len(m.asking) != 1 {
			t.Errorf("volumes that went with their pods are remembered: %v", m.asking)
		}
	})
}

// images is a container runtime that has what was pulled, and fails while it is told to.
type images struct {
	mu   sync.Mutex
	has  map[string]bool
	fail error
}

func (s *images) set(change func(*images)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s)
}

func (s *images) Present(_ context.Context, image string) (has bool, err error) {
	s.set(func(s *images) { has = s.has[image] })
	return has, nil
}

func (s *images) Pull(_ context.Context, image string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail == nil {
		s.has[image] = true
	}
	return s.fail
}

func TestImages_ArePulledAndAgainWhenTheyAreCollected(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := &images{has: map[string]bool{}, fail: errors.New("no such image")}
		s := NewImages(service, slog.New(slog.DiscardHandler))
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- s.Start(ctx) }()
		is := func(what string, phase v1alpha1.Phase) {
			t.Helper()
			synctest.Wait()
			if got := s.Status(); len(got) != 1 || got[0].Phase != phase {
				t.Errorf("%s: %+v, want %s", what, got, phase)
			}
		}
		has := func() bool { there, _ := service.Present(ctx, "vllm:v1"); return there }
		s.Want([]string{"vllm:v1"})
		is("not there", v1alpha1.FailedPhase)
		service.set(func(s *images) { s.fail = nil })
		<-time.After(pullAgain) // of the fake clock
		is("pushed", v1alpha1.ReadyPhase)
		service.set(func(s *images) { clear(s.has) })
		<-time.After(lookAtImages) // of the fake clock
		if is("collected", v1alpha1.ReadyPhase); !has() {
			t.Error("it was not pulled again")
		}
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	without := NewImages(nil, slog.New(slog.DiscardHandler))
	without.Want([]string{"vllm:v1"})
	without.hold(t.Context(), "vllm:v1")
	if got := without.Status()[0]; got.Phase != v1alpha1.FailedPhase || !strings.Contains(got.Message, "agent.criSocket") {
		t.Errorf("without a runtime it says %+v", got)
	}
}
