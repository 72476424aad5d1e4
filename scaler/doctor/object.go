// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	yamlreader "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"

	"github.com/hoist-dev/hoist/api/capacity"
	"github.com/hoist-dev/hoist/scaler/kueue"
	"github.com/hoist-dev/hoist/scaler/scaledobject"
)

// Object is a ScaledObject as somebody wrote it: what was left out is nil.
type Object struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		ScaleTargetRef   scaledobject.TargetRef `json:"scaleTargetRef"`
		PollingInterval  *int32                 `json:"pollingInterval"`
		CooldownPeriod   *int32                 `json:"cooldownPeriod"`
		IdleReplicaCount *int32                 `json:"idleReplicaCount"`
		MinReplicaCount  *int32                 `json:"minReplicaCount"`
		MaxReplicaCount  *int32                 `json:"maxReplicaCount"`
		Fallback         *scaledobject.Fallback `json:"fallback"`
		Advanced         *struct {
			HPA *struct {
				Behavior *behavior `json:"behavior"`
			} `json:"horizontalPodAutoscalerConfig"`
			Modifiers *struct {
				Formula string `json:"formula"`
				Target  string `json:"target"`
			} `json:"scalingModifiers"`
		} `json:"advanced"`
		Triggers []Trigger `json:"triggers"`
	} `json:"spec"`
	Status struct {
		Conditions []metav1.Condition `json:"conditions"`
		HPAName    string             `json:"hpaName"`
	} `json:"status"`

	Facts   *Facts   `json:"-"` // nil: nobody asked a cluster
	Metrics *Metrics `json:"-"` // nil: nobody asked a Prometheus
}

type behavior struct {
	ScaleUp   *rules `json:"scaleUp"`
	ScaleDown *rules `json:"scaleDown"`
}

type rules struct {
	StabilizationWindowSeconds *int32 `json:"stabilizationWindowSeconds"`
	SelectPolicy               string `json:"selectPolicy"` // Max, where it is empty
	Policies                   []struct {
		Type          string `json:"type"`
		Value         int32  `json:"value"`
		PeriodSeconds int32  `json:"periodSeconds"`
	} `json:"policies"`
}

// Trigger is one, with its query taken apart.
type Trigger struct {
	scaledobject.Trigger
	query  *query // nil: it has none
	broken error  // why its query can't be read
}

// Facts are what a cluster says of a ScaledObject; what it does not say is nil.
type Facts struct {
	Pod       *corev1.Pod // that the target makes; nil: there is no target
	Replicas  int32
	Quotas    []corev1.ResourceQuota
	Failed    string           // why the target's pods can't be made
	HPA       string           // why the HPA does not scale
	ColdStart int32            // seconds that a slow one takes; 0 is unknown
	Kueue     *kueue.Queue     // that its pods are queued for; nil: none, or there is no Kueue
	Pods      []corev1.Pod     // of the target
	Fit       *capacity.Answer // how many more of its pods fit into the cluster; nil is unknown
	KEDA      *KEDA            // nil: nobody asked
}

// Metrics are what a Prometheus says of the names in a ScaledObject's queries.
type Metrics struct {
	Known   map[string]bool  // those that there are now
	Scraped map[string]int32 // seconds between two scrapes; those that nobody knows are missing
}

const (
	mostBytes   = 4 << 20
	mostObjects = 1000
)

// Read finds the ScaledObjects in YAML or JSON; other kinds are passed over.
func Read(from io.Reader) (found []*Object, err error) {
	text, err := io.ReadAll(io.LimitReader(from, mostBytes+1))
	if err != nil {
		return nil, err
	}
	if len(text) > mostBytes {
		return nil, fmt.Errorf("more than %d bytes", mostBytes)
	}
	documents := yamlreader.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
	for len(found) < mostObjects {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return found, nil
		}
		if err != nil {
			return nil, err
		}
		o, err := Parse(document)
		if err != nil {
			return nil, err
		}
		if o != nil {
			found = append(found, o)
		}
	}
	return nil, fmt.Errorf("more than %d ScaledObjects", mostObjects)
}

// Parse reads one object, and is nil for another kind.
func Parse(document []byte) (*Object, error) {
	var kind metav1.TypeMeta
	if err := yaml.Unmarshal(document, &kind); err != nil {
		return nil, err
	}
	if kind.Kind != "ScaledObject" || !strings.HasPrefix(kind.APIVersion, "keda.sh/") {
		return nil, nil //nolint:nilnil // the caller passes it over
	}
	o := new(Object)
	if err := yaml.Unmarshal(document, o); err != nil {
		return nil, err
	}
	for i := range o.Spec.Triggers {
		t := &o.Spec.Triggers[i]
		if t.Type == "prometheus" {
			t.query, t.broken = parse(t.Metadata["query"])
		}
	}
	return o, nil
}

func (o *Object) String() string {
	if o.Namespace == "" {
		return o.Name
	}
	return o.Namespace + "/" + o.Name
}

// least is the minimum that is in force.
func (o *Object) least() int32 { return value(o.Spec.MinReplicaCount, 0) }

func value(v *int32, other int32) int32 {
	if v != nil {
		return *v
	}
	return other
}

// called is how people find a trigger.
func (o *Object) called(i int) string {
	if name := o.Spec.Triggers[i].Name; name != "" {
		return name
	}
	return fmt.Sprint(i)
}

// each asks of every trigger of a type.
func (o *Object) each(kind string, ask func(t *Trigger) (said, bool)) (all []said) {
	for i := range o.Spec.Triggers {
		t := &o.Spec.Triggers[i]
		if t.Type != kind {
			continue
		}
		if s, wrong := ask(t); wrong {
			s.where = o.called(i)
			all = append(all, s)
		}
	}
	return all
}

// queries asks of every trigger whose query could be read.
func (o *Object) queries(ask func(t *Trigger, q *query) (said, bool)) []said {
	return o.each("prometheus", func(t *Trigger) (said, bool) {
		if t.query == nil {
			return said{}, false
		}
		return ask(t, t.query)
	})
}
