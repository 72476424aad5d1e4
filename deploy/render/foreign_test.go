// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package render_test

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// The types of other projects are none of ours. What the chart may say in them is written here, so that another field is a failure
// until somebody has looked it up.
func addForeign(scheme *runtime.Scheme) {
	scheme.AddKnownTypeWithName(schema.GroupVersionKind{Group: "monitoring.coreos.com", Version: "v1", Kind: "ServiceMonitor"}, new(serviceMonitor))
	scheme.AddKnownTypeWithName(schema.GroupVersionKind{Group: "cert-manager.io", Version: "v1", Kind: "Issuer"}, new(issuer))
	scheme.AddKnownTypeWithName(schema.GroupVersionKind{Group: "cert-manager.io", Version: "v1", Kind: "Certificate"}, new(certificate))
}

// serviceMonitor is the Prometheus operator's.
type serviceMonitor struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		Selector  metav1.LabelSelector `json:"selector"`
		Endpoints []monitored          `json:"endpoints"`
	} `json:"spec"`
}

type monitored struct {
	Port        string      `json:"port"`
	Interval    string      `json:"interval"`
	Relabelings []relabeled `json:"relabelings,omitempty"`
}

type relabeled struct {
	SourceLabels []string `json:"sourceLabels"`
	TargetLabel  string   `json:"targetLabel"`
}

// DeepCopyObject makes it a runtime.Object; nobody changes one.
func (m *serviceMonitor) DeepCopyObject() runtime.Object { return m }

// issuer is cert-manager's.
type issuer struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		SelfSigned *struct{} `json:"selfSigned"`
	} `json:"spec"`
}

// DeepCopyObject makes it a runtime.Object; nobody changes one.
func (i *issuer) DeepCopyObject() runtime.Object { return i }

// certificate is cert-manager's.
type certificate struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		SecretName string   `json:"secretName"`
		DNSNames   []string `json:"dnsNames"`
		IssuerRef  struct {
			Name  string `json:"name"`
			Kind  string `json:"kind,omitempty"`
			Group string `json:"group,omitempty"`
		} `json:"issuerRef"`
	} `json:"spec"`
}

// DeepCopyObject makes it a runtime.Object; nobody changes one.
func (c *certificate) DeepCopyObject() runtime.Object { return c }
