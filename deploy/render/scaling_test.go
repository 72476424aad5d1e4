// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package render_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// The values that docs/scaling.md shows are taken, and the keys that it names are those that the chart can give other names.
func TestScaling_ValuesOfItsPageAreTaken(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(root + "/docs/scaling.md")
	if err != nil {
		t.Fatal(err)
	}
	example := regexp.MustCompile("(?s)# values.yaml of Hoist\n(.*?)```").FindSubmatch(page)
	if example == nil {
		t.Fatal("the page has no values")
	}
	var values map[string]any
	if err := yaml.UnmarshalStrict(example[1], &values); err != nil {
		t.Fatal(err)
	}
	out := chart(t, flat("", values)...)
	for _, want := range []string{"--prometheus-address=https://prometheus.monitoring.svc:9090", "--prometheus-identity=/prometheus", "--prometheus-header=X-Scope-OrgID=team-a",
		"--prometheus-trigger-authentication=ClusterTriggerAuthentication/prometheus", "--prometheus-auth-modes=bearer"} {
		if !strings.Contains(out, want) {
			t.Errorf("%s is not there", want)
		}
	}
	const keys = "scaler.prometheusAuth.keys."
	renamed := chart(t, "scaler.prometheusAuth.secretName=p", keys+"token=a", keys+"username=b", keys+"password=c", keys+"ca=d", keys+"certificate=e", keys+"privateKey=f")
	paths := regexp.MustCompile(`- \{key: "[a-f]", path: ([a-z.]+)\}`).FindAllStringSubmatch(renamed, -1)
	for _, path := range paths {
		if !regexp.MustCompile("(?m)^\\|.*`" + regexp.QuoteMeta(path[1]) + "`.*\\| ").Match(page) {
			t.Errorf("the page does not have %s", path[1])
		}
	}
	if len(paths) != 6 {
		t.Errorf("of six keys these are mounted: %v", paths)
	}
}

// flat gives values as helm's --set takes them.
func flat(at string, values map[string]any) (all []string) {
	for name, value := range values {
		if below, ok := value.(map[string]any); ok {
			all = append(all, flat(at+name+".", below)...)
		} else {
			all = append(all, fmt.Sprintf("%s%s=%v", at, name, value))
		}
	}
	return all
}
