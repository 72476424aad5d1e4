// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	yamlreader "k8s.io/apimachinery/pkg/util/yaml"
	kubejson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/cachenode"
)

// readPrefetches reads those of a file of manifests; other kinds are passed over. path "-" is stdin.
func readPrefetches(path, namespace string, stdin io.Reader) ([]v1alpha1.Prefetch, error) {
	from, name := stdin, "stdin"
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, fileError(path, err)
		}
		defer f.Close()
		from, name = f, path
	}
	var found []v1alpha1.Prefetch
	documents := yamlreader.NewYAMLReader(bufio.NewReader(from))
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fileError(name, err)
		}
		p, err := parsePrefetch(document, namespace)
		if err != nil {
			return nil, fileError(name, err)
		}
		if p != nil {
			found = append(found, *p)
		}
	}
	if len(found) == 0 {
		return nil, fileError(name, fmt.Errorf("no Prefetch of %s is in it", v1alpha1.GroupVersion))
	}
	return found, nil
}

// parsePrefetch is nil for another kind.
func parsePrefetch(document []byte, namespace string) (*v1alpha1.Prefetch, error) {
	var kind metav1.TypeMeta
	if err := yaml.Unmarshal(document, &kind); err != nil {
		return nil, err
	}
	if kind.GroupVersionKind() != v1alpha1.GroupVersion.WithKind("Prefetch") {
		return nil, nil //nolint:nilnil // no failure, and none
	}
	p := new(v1alpha1.Prefetch)
	asJSON, err := yaml.YAMLToJSONStrict(document)
	if err != nil {
		return nil, err
	}
	unknown, err := kubejson.UnmarshalStrict(asJSON, p) // with the case of fields, as the API server reads it
	if err := errors.Join(append(unknown, err)...); err != nil {
		return nil, err
	}
	if p.Namespace == "" {
		p.Namespace = namespace
	}
	if p.Spec.Nodes.Count != nil && p.Spec.Nodes.Percent != nil {
		return nil, fmt.Errorf("the Prefetch %s says count and percent: say one", p.Name)
	}
	return p, nil
}

func fileError(name string, err error) error {
	return &clusterError{cachenode.ErrInvalid, "can't take " + name, "", err}
}
