// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package prefetch

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/cachenode"
)

// resolved is the status of m after a look at its source: found, or failed with err. A failure takes nothing away from what an
// earlier look has pinned: what is on the nodes can still be mounted.
func resolved(m *v1alpha1.Model, found cachenode.Manifest, err error, now time.Time) v1alpha1.ModelStatus {
	s := *m.Status.DeepCopy()
	s.ObservedGeneration = m.Generation
	say := func(kind string, status bool, reason, message string) {
		c := metav1.Condition{Type: kind, Status: metav1.ConditionFalse, ObservedGeneration: m.Generation, Reason: reason, Message: message,
			LastTransitionTime: metav1.NewTime(now)}
		if status {
			c.Status = metav1.ConditionTrue
		}
		meta.SetStatusCondition(&s.Conditions, c)
	}
	if err != nil {
		reason := reasonOf(err)
		say(v1alpha1.ResolvedCondition, false, reason, err.Error())
		if s.Revision == "" {
			say(v1alpha1.ReadyCondition, false, v1alpha1.NotResolvedReason, "the source can't be read: "+err.Error())
		}
		return s
	}
	stamp := metav1.NewTime(now.Truncate(time.Second))
	s.CheckedAt, s.LatestRevision = &stamp, string(found.Revision())
	if s.Revision == "" || s.PinnedFor != pinnedFor(&m.Spec) || m.Spec.Updates.Policy == v1alpha1.FollowRevision {
		s.Revision, s.PinnedFor = s.LatestRevision, pinnedFor(&m.Spec)
		s.Files, s.Bytes, s.WeightBytes = int32(len(found.Files)), found.Bytes(), weights(found)
		s.Size = v1alpha1.HumanBytes(s.Bytes)
	}
	short := cachenode.Revision(s.Revision).Short()
	say(v1alpha1.ResolvedCondition, true, v1alpha1.PinnedReason, fmt.Sprintf("revision %s, %d files, %s", short, s.Files, s.Size))
	say(v1alpha1.ReadyCondition, true, v1alpha1.PinnedReason, fmt.Sprintf("revision %s can be mounted", short))
	if s.LatestRevision == s.Revision {
		say(v1alpha1.SourceDriftedCondition, false, v1alpha1.InSyncReason, "the source holds the pinned revision")
	} else {
		say(v1alpha1.SourceDriftedCondition, true, v1alpha1.DriftedReason, fmt.Sprintf(
			"the source holds revision %s now, pinned is %s: nodes without a copy can't get one; set spec.updates.policy to Follow, or put back what was there",
			cachenode.Revision(s.LatestRevision).Short(), short))
	}
	return s
}

// pinnedFor is a digest of what decides which files there are. The rest of a spec can change and leaves the pin alone.
func pinnedFor(s *v1alpha1.ModelSpec) string {
	parts := []any{s.Source, s.S3, s.Files}
	if s.HF != nil {
		parts = append(parts, s.HF)
	}
	if s.Layout != nil {
		parts = append(parts, s.Layout)
	}
	raw, err := json.Marshal(parts)
	if err != nil {
		panic("prefetch: a spec always encodes: " + err.Error())
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:16])
}

// weights are the bytes of files that go into VRAM, by their names.
func weights(m cachenode.Manifest) int64 {
	var sum int64
	for _, f := range m.Files {
		switch strings.ToLower(path.Ext(f.Path)) {
		case ".safetensors", ".gguf", ".bin", ".pt", ".pth":
			sum += f.Size
		}
	}
	return sum
}

// secretError is a Secret that is missing or lacks a key.
type secretError interface{ SecretMissing() bool }

var reasons = []struct {
	kind   error
	reason string
}{
	{cachenode.ErrNotFound, v1alpha1.SourceNotFoundReason},
	{cachenode.ErrDenied, v1alpha1.SourceDeniedReason},
	{cachenode.ErrExpired, v1alpha1.SourceDeniedReason},
	{cachenode.ErrInvalid, v1alpha1.SourceInvalidReason},
	{cachenode.ErrUnsafe, v1alpha1.UnsafeReason},
	{cachenode.ErrUnsupported, v1alpha1.SourceUnsupportedReason},
}

func reasonOf(err error) string {
	var secret secretError
	if errors.As(err, &secret) && secret.SecretMissing() {
		return v1alpha1.SecretMissingReason
	}
	for _, r := range reasons {
		if errors.Is(err, r.kind) {
			return r.reason
		}
	}
	return v1alpha1.SourceUnavailableReason
}
