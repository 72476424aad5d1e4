// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Package origin gives every Model its source: the right endpoint, and the Model's own credentials.
package origin

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/cachenode"
	"github.com/hoist-dev/hoist/cachenode/source/file"
)

// The keys of a Secret that a Model names.
const (
	accessKeyID     = "AWS_ACCESS_KEY_ID"
	secretAccessKey = "AWS_SECRET_ACCESS_KEY" //nolint:gosec // the name of a key, as the AWS tools have it
	sessionToken    = "AWS_SESSION_TOKEN"     //nolint:gosec // the name of a key, as the AWS tools have it
	hubToken        = "HF_TOKEN"              //nolint:gosec // the name of a key, as huggingface_hub has it
)

// Sources makes the source of each Model, with the Model's own credentials. It is safe for concurrent use.
type Sources struct {
	// Reader reads Secrets, uncached: what is not asked for is not held.
	Reader client.Reader
	// Open makes a source: Options.Open.
	Open func(ctx context.Context, a Access) (cachenode.Source, error)

	mu   sync.Mutex
	made map[types.NamespacedName]madeSource
}

type madeSource struct {
	model  version
	access [sha256.Size]byte // of it, so that no secret stays in memory but the source's own
	source cachenode.Source
}

// version is one state of a Model's spec.
type version struct {
	uid        types.UID
	generation int64
}

// For is the source of m. It is the same one until m, or its Secret, says something else: while the Secret can't be read, for the API
// server is away, it has not.
func (s *Sources) For(ctx context.Context, m *v1alpha1.Model) (cachenode.Source, error) {
	model := version{m.UID, m.Generation}
	access, err := s.access(ctx, m)
	if errors.Is(err, cachenode.ErrUnavailable) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if made, ok := s.made[client.ObjectKeyFromObject(m)]; ok && made.model == model {
			return made.source, nil
		}
	}
	if err != nil {
		return nil, err
	}
	sum := access.sum()
	s.mu.Lock()
	defer s.mu.Unlock()
	key := client.ObjectKeyFromObject(m)
	if made, ok := s.made[key]; ok && made.access == sum {
		made.model = model
		s.made[key] = made
		return made.source, nil
	}
	source, err := s.Open(ctx, access)
	if err != nil {
		return nil, err
	}
	if s.made == nil {
		s.made = map[types.NamespacedName]madeSource{}
	}
	s.close(key)
	s.made[key] = madeSource{model, sum, source}
	return source, nil
}

// Forget lets go of the source of a Model that is gone.
func (s *Sources) Forget(model types.NamespacedName) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.close(model)
	delete(s.made, model)
}

// close ends the connections of a Model's source that nobody uses; streams that are open go on. s.mu is held.
func (s *Sources) close(model types.NamespacedName) {
	if closer, ok := s.made[model].source.(io.Closer); ok {
		_ = closer.Close() // it was only read from
	}
}

func (s *Sources) access(ctx context.Context, m *v1alpha1.Model) (Access, error) {
	a := described(&m.Spec)
	if a.Scheme == file.VolumeScheme {
		a.Namespace = m.Namespace
	}
	if m.Spec.Credentials == nil {
		return a, nil
	}
	var secret corev1.Secret
	key := types.NamespacedName{Namespace: m.Namespace, Name: m.Spec.Credentials.SecretName}
	if err := s.Reader.Get(ctx, key, &secret); err != nil {
		return Access{}, secretError(key, err)
	}
	k := kinds()[a.Scheme]
	a.Secret = map[string]string{}
	for _, name := range slices.Concat(k.required, k.optional) {
		if value := string(secret.Data[name]); value != "" {
			a.Secret[name] = value
		}
	}
	for _, name := range k.required {
		if a.Secret[name] == "" {
			return Access{}, &SecretError{Name: key, Err: fmt.Errorf("it lacks %s, which %s:// needs", name, a.Scheme)}
		}
	}
	return a, nil
}

// described is what a Model says itself about how its source is reached.
func described(spec *v1alpha1.ModelSpec) Access {
	scheme, _, _ := strings.Cut(spec.Source, "://")
	a := Access{Scheme: scheme}
	if o := spec.S3; o != nil {
		a.Endpoint, a.Region, a.Anonymous = o.Endpoint, o.Region, o.Anonymous
	}
	if o := spec.Layout; o != nil && o.HuggingFace != nil {
		a.Repo = o.HuggingFace.Repo
		if ref, err := cachenode.ParseRef(spec.Source); err == nil && a.Repo == "" {
			a.Repo = ref.Bucket
		}
	}
	if o := spec.HF; o != nil {
		a.Endpoint, a.Anonymous = o.Endpoint, o.Anonymous
	}
	return a
}

// SecretError says that a Model's Secret is missing or lacks a key. It is ErrDenied.
type SecretError struct {
	Name types.NamespacedName
	Err  error
}

// Error names the Secret, and nothing that is in it.
func (e *SecretError) Error() string { return fmt.Sprintf("read the Secret %s: %v", e.Name, e.Err) }

// SecretMissing tells this failure from a refusal by the origin.
func (e *SecretError) SecretMissing() bool { return true }

// Unwrap exposes the kind and the cause.
func (e *SecretError) Unwrap() []error { return []error{cachenode.ErrDenied, e.Err} }

func secretError(key types.NamespacedName, err error) error {
	if apierrors.IsNotFound(err) || apierrors.IsForbidden(err) {
		return &SecretError{Name: key, Err: err}
	}
	return &cachenode.Error{Kind: cachenode.ErrUnavailable, Op: "read", Subject: "Secret " + key.String(), Err: err}
}

// Selection is a FileSelection in the words of the cache.
func Selection(files *v1alpha1.FileSelection) cachenode.Selection {
	if files == nil {
		return cachenode.Selection{}
	}
	return cachenode.Selection{Include: files.Include, Exclude: files.Exclude, AllowPickle: files.AllowPickle}
}

// Resolve asks the source of m what there is.
func (s *Sources) Resolve(ctx context.Context, m *v1alpha1.Model) (cachenode.Manifest, error) {
	ref, err := cachenode.ParseRef(m.Spec.Source)
	if err != nil {
		return cachenode.Manifest{}, err
	}
	selection := Selection(m.Spec.Files)
	if err := selection.Validate(); err != nil {
		return cachenode.Manifest{}, err
	}
	source, err := s.For(ctx, m)
	if err != nil {
		return cachenode.Manifest{}, err
	}
	return source.Resolve(ctx, ref, selection)
}
