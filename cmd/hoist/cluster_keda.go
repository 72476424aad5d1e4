// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/hoist-dev/hoist/scaler/doctor"
)

// errSilent is a cluster that does not say.
var errSilent = errors.New("there is no Deployment keda-operator")

// readKEDA reads which KEDA there is, and who answers for external metrics.
func readKEDA(ctx context.Context, c cluster) *doctor.KEDA {
	k := &doctor.KEDA{}
	var service apiService
	if err := service.read(ctx, c, "v1beta1.external.metrics.k8s.io"); err == nil && service.Spec.Service.Name != "" {
		k.Metrics = service.Spec.Service.Namespace + "/" + service.Spec.Service.Name
	}
	operator, err := kedaOperator(ctx, c)
	if err != nil {
		k.Unknown = err.Error()
		return k
	}
	var said []string
	for _, container := range operator.Spec.Template.Spec.Containers {
		image, _, _ := strings.Cut(container.Image, "@")
		if i := strings.LastIndex(image, ":"); i > strings.LastIndex(image, "/") && strings.Contains(image, "keda") {
			said = append(said, image[i+1:])
		}
	}
	for _, text := range append(said, operator.Labels["app.kubernetes.io/version"]) {
		if release, ok := doctor.ParseRelease(text); ok {
			k.Release = &release
			return k
		}
	}
	k.Unknown = fmt.Sprintf("neither the image of the Deployment %s/%s nor its label app.kubernetes.io/version has a number", operator.Namespace, operator.Name)
	return k
}

// kedaOperator finds KEDA's Deployment in whatever namespace, or, for those who may not look into all of them, in the usual one.
func kedaOperator(ctx context.Context, c cluster) (*appsv1.Deployment, error) {
	const name, usual = "keda-operator", "keda"
	var all appsv1.DeploymentList
	if err := c.List(ctx, &all, client.MatchingFields{"metadata.name": name}); err == nil {
		if len(all.Items) == 0 {
			return nil, errSilent
		}
		return &all.Items[0], nil
	}
	var one appsv1.Deployment
	if err := c.Get(ctx, client.ObjectKey{Namespace: usual, Name: name}, &one); err != nil {
		return nil, fmt.Errorf("read the Deployment %s/%s: %w", usual, name, err)
	}
	return &one, nil
}

// apiService is the part of the kind that says who answers: its module would be a dependency for two names.
type apiService struct {
	Spec struct {
		Service struct {
			Namespace string `json:"namespace"`
			Name      string `json:"name"`
		} `json:"service"`
	} `json:"spec"`
}

func (a *apiService) read(ctx context.Context, c cluster, name string) error {
	object := &unstructured.Unstructured{}
	object.SetAPIVersion("apiregistration.k8s.io/v1")
	object.SetKind("APIService")
	if err := c.Get(ctx, client.ObjectKey{Name: name}, object); err != nil {
		return err
	}
	return runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, a)
}
