// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package doctor_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/hoist-dev/hoist/scaler/doctor"
)

// A ScaledObject of Hoist's own has nothing that bites.
func TestExamine_IsContentWithOurs(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob("../scaledobject/testdata/*.yaml")
	if err != nil || len(pages) < 10 {
		t.Fatal(pages, err)
	}
	for _, page := range pages {
		for _, f := range doctor.Examine(read(t, page)[0]) {
			if f.Severity != doctor.Note {
				t.Errorf("%s: %+v", page, f)
			}
		}
	}
}

// Nor while it sleeps: its server says nothing then, and what the controller says is scraped every 30 s.
func TestExamine_IsContentWithOursThatSleep(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob("../scaledobject/testdata/*.yaml")
	if err != nil || len(pages) < 10 {
		t.Fatal(pages, err)
	}
	for _, page := range pages {
		o := read(t, page)[0]
		for _, facts := range []*doctor.Facts{nil, {Pod: &corev1.Pod{}}} { // of a file, and of a cluster
			o.Facts, o.Metrics = facts, &doctor.Metrics{Known: map[string]bool{}, Scraped: map[string]int32{}}
			for _, name := range o.Names() {
				if strings.HasPrefix(name, "hoist_") {
					o.Metrics.Known[name], o.Metrics.Scraped[name] = true, 30
				}
			}
			found := doctor.Examine(o)
			for _, f := range found {
				if f.Severity != doctor.Note {
					t.Errorf("%s: %+v", page, f)
				}
			}
			if !slices.Contains(names(found), "metric-silent") {
				t.Errorf("%s: it says nothing of a server that is silent: %v", page, found)
			}
		}
		o.Metrics.Known = map[string]bool{} // without the controller's word for it
		if !slices.Contains(names(doctor.Examine(o)), "metric-not-in-prometheus") {
			t.Errorf("%s: nobody misses hoist_scale_ready_replicas", page)
		}
	}
}
