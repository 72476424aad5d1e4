// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package csi

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	spec "github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/hoist-dev/hoist/cachenode"
)

func TestDriver_PublishMountsAndUnpublishGivesBack(t *testing.T) {
	t.Parallel()
	r := started(t)
	kubelet := spec.NewNodeClient(r.client(t))
	ask := r.request(t, "web-0", "llama")
	for range 2 { // again is a success, without work
		if _, err := kubelet.NodePublishVolume(t.Context(), ask); err != nil {
			t.Fatal(err)
		}
		r.holds(t, 1)
	}
	_, source := revisionOf(ModelRef{Namespace: "team-a", Name: "llama"})
	mounts, _ := r.world.snapshot()
	if got := mounts[ask.GetTargetPath()]; len(got) != 1 || got[0] != (fakeMount{source, Sealed}) {
		t.Fatalf("mounted %v, want %s", got, source)
	}
	if r.world.taken != 1 {
		t.Fatalf("%d leases were taken for one volume", r.world.taken)
	}
	for range 2 {
		if _, err := kubelet.NodeUnpublishVolume(t.Context(), unrequest(ask)); err != nil {
			t.Fatal(err)
		}
		r.holds(t, 0)
	}
	if _, err := os.Lstat(ask.GetTargetPath()); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("the target is still there: %v", err)
	}
}

func TestDriver_PublishAsSomethingElseIsAlreadyExists(t *testing.T) {
	t.Parallel()
	r := started(t)
	kubelet := spec.NewNodeClient(r.client(t))
	if _, err := kubelet.NodePublishVolume(t.Context(), r.request(t, "web-0", "llama")); err != nil {
		t.Fatal(err)
	}
	_, err := kubelet.NodePublishVolume(t.Context(), r.request(t, "web-0", "mistral"))
	if msg := wantCode(t, err, codes.AlreadyExists); !strings.Contains(msg, "team-a/llama") {
		t.Error(msg)
	}
	elsewhere := r.request(t, "web-0", "llama")
	elsewhere.TargetPath = r.target(t, "web-0", "other")
	_, err = kubelet.NodePublishVolume(t.Context(), elsewhere)
	wantCode(t, err, codes.AlreadyExists)
	another := r.request(t, "web-0", "llama")
	another.VolumeId = "csi-another"
	_, err = kubelet.NodePublishVolume(t.Context(), another)
	wantCode(t, err, codes.InvalidArgument)
	another.VolumeId = "csi-unknown"
	_, err = kubelet.NodeUnpublishVolume(t.Context(), unrequest(another))
	wantCode(t, err, codes.InvalidArgument)
	r.holds(t, 1)
}

func TestDriver_UnpublishElsewhereLeavesTheVolume(t *testing.T) {
	t.Parallel()
	r := started(t)
	n := node{driver: r.driver}
	ask := r.request(t, "web-0", "llama")
	if _, err := n.NodePublishVolume(t.Context(), ask); err != nil {
		t.Fatal(err)
	}
	_, err := n.NodeUnpublishVolume(t.Context(), &spec.NodeUnpublishVolumeRequest{VolumeId: ask.GetVolumeId(), TargetPath: r.target(t, "web-0", "other")})
	if err != nil {
		t.Fatal(err)
	}
	r.holds(t, 1)
}

func TestDriver_UnpublishOfAnUnknownVolumeUnmountsIt(t *testing.T) {
	t.Parallel()
	r := started(t)
	ask := r.request(t, "web-0", "llama")
	r.world.mounts[ask.GetTargetPath()] = []fakeMount{{"/models/a", Sealed}, {"/models/b", Open}}
	if _, err := (node{driver: r.driver}).NodeUnpublishVolume(t.Context(), unrequest(ask)); err != nil {
		t.Fatal(err)
	}
	r.holds(t, 0)
}

func TestDriver_SecondCallWhileOneWaitsIsAbortedWithProgress(t *testing.T) {
	t.Parallel()
	r := started(t)
	kubelet := spec.NewNodeClient(r.client(t))
	waiting, arrived := make(chan struct{}), make(chan struct{})
	r.world.acquire = func(_ context.Context, claim Claim) error {
		if claim.Pod.Name == "web-0" {
			close(waiting)
			<-arrived
		}
		return nil
	}
	ask := r.request(t, "web-0", "llama")
	first := make(chan error, 1)
	go func() {
		_, err := kubelet.NodePublishVolume(t.Context(), ask)
		first <- err
	}()
	<-waiting
	_, err := kubelet.NodePublishVolume(t.Context(), ask)
	if msg := wantCode(t, err, codes.Aborted); msg != "model team-a/llama is being mounted: 1 of 2 GB of llama" {
		t.Error(msg)
	}
	_, err = kubelet.NodeUnpublishVolume(t.Context(), unrequest(ask))
	wantCode(t, err, codes.Aborted)
	if _, err := kubelet.NodePublishVolume(t.Context(), r.request(t, "web-1", "llama")); err != nil {
		t.Fatalf("another volume had to wait: %v", err)
	}
	close(arrived)
	if err := <-first; err != nil {
		t.Fatal(err)
	}
	r.holds(t, 2)
}

func TestDriver_SaysHowFarBeforeTheKubeletGivesUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := started(t)
		r.world.acquire = func(ctx context.Context, _ Claim) error {
			<-ctx.Done()
			return errors.New("12.3 of 70.1 GB,\n3 min left")
		}
		for _, row := range []struct{ given, want time.Duration }{
			{2 * time.Minute, 2*time.Minute - defaultMargin},
			{4 * time.Second, 2 * time.Second}, // half of it is left for the answer, at least
		} {
			start := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), row.given)
			_, err := (node{driver: r.driver}).NodePublishVolume(ctx, r.request(t, "web-0", "llama"))
			cancel()
			msg := wantCode(t, err, codes.DeadlineExceeded)
			if msg != "model team-a/llama is not on this node yet: 12.3 of 70.1 GB, 3 min left" {
				t.Error(msg)
			}
			if took := time.Since(start); took != row.want {
				t.Errorf("answered after %v, want %v", took, row.want)
			}
		}
		r.holds(t, 0)
	})
}

func TestDriver_CloseEndsTheWaitAndKeepsTheMounts(t *testing.T) {
	t.Parallel()
	r := started(t)
	n := node{driver: r.driver}
	if _, err := n.NodePublishVolume(t.Context(), r.request(t, "web-0", "llama")); err != nil {
		t.Fatal(err)
	}
	waiting := make(chan struct{})
	r.world.acquire = func(ctx context.Context, _ Claim) error {
		close(waiting)
		<-ctx.Done()
		return ctx.Err()
	}
	first := make(chan error, 1)
	go func() {
		_, err := n.NodePublishVolume(t.Context(), r.request(t, "web-1", "llama"))
		first <- err
	}()
	<-waiting
	r.driver.Close()
	wantCode(t, <-first, codes.Unavailable)
	r.holds(t, 1)
	_, err := n.NodePublishVolume(t.Context(), r.request(t, "web-2", "llama"))
	wantCode(t, err, codes.Unavailable)
	r.world.acquire = nil
	r.restart(t)
	r.holds(t, 1)
}

func TestDriver_FailedMountLeavesNothing(t *testing.T) {
	t.Parallel()
	for _, step := range []string{"acquire", "write", "rename", "syncdir", "state", "mkdir", "bind", "seal"} {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			r := started(t)
			r.world.failures[step] = 1
			ask := r.request(t, "web-0", "llama")
			_, err := (node{driver: r.driver}).NodePublishVolume(t.Context(), ask)
			wantCode(t, err, codes.Internal)
			r.holds(t, 0)
			if _, err := os.Lstat(ask.GetTargetPath()); !errors.Is(err, os.ErrNotExist) {
				t.Fatalf("the target is still there: %v", err)
			}
			if _, err := (node{driver: r.driver}).NodePublishVolume(t.Context(), ask); err != nil {
				t.Fatal(err)
			}
			r.holds(t, 1)
		})
	}
}

// After a final answer the kubelet would never unpublish.
func TestDriver_MountThatCannotBeUndoneIsNotFinal(t *testing.T) {
	t.Parallel()
	r := started(t)
	ask := r.request(t, "web-0", "llama")
	r.world.mounts[ask.GetTargetPath()] = []fakeMount{{"/models/stray", Open}}
	r.world.failures["unmount"] = 2
	_, err := (node{driver: r.driver}).NodePublishVolume(t.Context(), ask)
	wantCode(t, err, codes.Aborted)
	r.holds(t, 1)
	if _, err := (node{driver: r.driver}).NodeUnpublishVolume(t.Context(), unrequest(ask)); err != nil {
		t.Fatal(err)
	}
	r.holds(t, 0)
}

func TestDriver_PanicIsAnErrorAndLeavesNothing(t *testing.T) {
	t.Parallel()
	r := started(t)
	kubelet := spec.NewNodeClient(r.client(t))
	var panics error
	r.driver.pods.hook = func(step string) error {
		if step == "mkdir" && panics == nil {
			panics = errors.New("once")
			panic("bug")
		}
		return nil
	}
	_, err := kubelet.NodePublishVolume(t.Context(), r.request(t, "web-0", "llama"))
	wantCode(t, err, codes.Internal)
	r.holds(t, 0)
	if _, err := kubelet.NodePublishVolume(t.Context(), r.request(t, "web-0", "llama")); err != nil {
		t.Fatalf("the volume stayed busy: %v", err)
	}
}

func TestDriver_KindsBecomeCodes(t *testing.T) {
	t.Parallel()
	for kind, want := range map[error]codes.Code{
		cachenode.ErrNotFound: codes.NotFound, cachenode.ErrDenied: codes.PermissionDenied, cachenode.ErrInvalid: codes.InvalidArgument,
		cachenode.ErrNoSpace: codes.ResourceExhausted, cachenode.ErrUnavailable: codes.Unavailable, cachenode.ErrThrottled: codes.Unavailable,
		cachenode.ErrExpired: codes.Unavailable, cachenode.ErrChanged: codes.Unavailable, cachenode.ErrIncomplete: codes.Unavailable,
		cachenode.ErrInUse: codes.Aborted, cachenode.ErrUnsafe: codes.FailedPrecondition, cachenode.ErrCorrupt: codes.FailedPrecondition,
		cachenode.ErrDisk: codes.Internal, context.DeadlineExceeded: codes.DeadlineExceeded, context.Canceled: codes.Canceled,
		errors.New("new"): codes.Internal,
	} {
		wrapped := &cachenode.Error{Kind: kind, Op: "get", Subject: "s3://b/k", Err: errors.New("two\nlines")}
		if err := answer(wrapped); status.Code(err) != want || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v became %v, want %v on one line", kind, err, want)
		}
	}
	if answer(nil) != nil {
		t.Error("success became an error")
	}
}
