// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package render_test

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

const dashboardFile = root + "/deploy/chart/dashboards/hoist.json"

// dashboard is the part of Grafana's that the tests look at.
type dashboard struct {
	SchemaVersion int
	Templating    struct {
		List []struct {
			Name, Type string
			Query      any
		}
	}
	Panels []panel
}

type panel struct {
	ID                       int
	Type, Title, Description string
	Datasource               struct{ UID string }
	GridPos                  struct{ X, Y, W, H int }
	Targets                  []struct{ RefID, Expr string }
}

func readDashboard(t *testing.T) (dashboard, string) {
	t.Helper()
	text, err := os.ReadFile(dashboardFile)
	if err != nil {
		t.Fatal(err)
	}
	var d dashboard
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	if len(d.Panels) == 0 {
		t.Fatal("it has no panels")
	}
	return d, string(text)
}

// What the chart installs is the file.
func TestDashboard_IsInstalledAsItIs(t *testing.T) {
	t.Parallel()
	_, text := readDashboard(t)
	maps := only[*corev1.ConfigMap](objects(t, chart(t, "grafanaDashboard.enabled=true")))
	if len(maps) != 1 || maps[0].Data["hoist.json"] != text || maps[0].Labels["grafana_dashboard"] != "1" {
		t.Errorf("the ConfigMap does not hold the dashboard, or Grafana's sidecar does not find it: %+v", maps)
	}
}

// Grafana can lay it out, and every panel asks the data source that the reader picks.
func TestDashboard_IsLaidOut(t *testing.T) {
	t.Parallel()
	d, text := readDashboard(t)
	if d.SchemaVersion < 42 {
		t.Errorf("schema version %d", d.SchemaVersion)
	}
	variables := []string{"$__rate_interval"}
	for _, v := range d.Templating.List {
		variables = append(variables, "$"+v.Name)
	}
	for _, used := range regexp.MustCompile(`\$\{?[a-z_]+`).FindAllString(text, -1) {
		if used = strings.Replace(used, "{", "", 1); !slices.Contains(append(variables, "$__all"), used) {
			t.Errorf("there is no variable %s", used)
		}
	}
	ids, taken := map[int]bool{}, map[[2]int]string{}
	for i, p := range d.Panels {
		if ids[p.ID] {
			t.Errorf("%s has the number of another", p.Title)
		}
		ids[p.ID] = true
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other, ok := taken[[2]int{x, y}]; ok || x >= 24 {
					t.Fatalf("%s lies on %q, or over the edge", p.Title, other)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
		if p.Type == "row" {
			if i+1 == len(d.Panels) || d.Panels[i+1].Type == "row" {
				t.Errorf("the row %s is empty", p.Title)
			}
			continue
		}
		if p.Title == "" || p.Description == "" || p.Datasource.UID != "${datasource}" || len(p.Targets) == 0 {
			t.Errorf("%q: description %q, data source %q, %d queries", p.Title, p.Description, p.Datasource.UID, len(p.Targets))
		}
	}
}
