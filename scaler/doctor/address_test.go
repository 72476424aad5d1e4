// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package doctor_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/hoist-dev/hoist/scaler/doctor"
)

// What KEDA documents of managed Prometheuses works, and nobody is told to break it.
func TestExamine_LeavesManagedPrometheusesAlone(t *testing.T) {
	t.Parallel()
	all := read(t, "testdata/managed.yaml")
	if len(all) != 3 {
		t.Fatal(all)
	}
	for _, o := range all {
		for _, f := range doctor.Examine(o) {
			if f.Severity == doctor.Error || strings.Contains(f.Fix, "serverAddress") || strings.Contains(f.Fix, "authModes") {
				t.Errorf("%s: %+v", o.Name, f)
			}
		}
	}
}

// A port is missed where Prometheus itself would be asked for it, and put in without a loss.
func TestExamine_MissesAPort(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"http://prometheus":                        `"http://prometheus:9090"`,
		"http://host/api/prom":                     `"http://host:9090/api/prom"`,
		"http://[::1]/a":                           `"http://[::1]:9090/a"`,
		"https://prometheus.monitoring.svc/a?b=c":  `"https://prometheus.monitoring.svc:9090/a?b=c"`,
		"https://thanos.a.svc.cluster.local":       `"https://thanos.a.svc.cluster.local:9090"`,
		"https://host/api/prom":                    "",
		"http://host:80/api/prom":                  "",
		"https://svc.example.com":                  "",
		"https://prometheus.monitoring.svc:443/a":  "",
		"https://a.monitoring.azure.com/workspace": "",
	} {
		o, err := doctor.Parse([]byte(strings.ReplaceAll(sound, "http://prometheus:9090", address)))
		if err != nil {
			t.Fatal(err)
		}
		fix := ""
		for _, f := range doctor.Examine(o) {
			if f.Check == "no-port" {
				fix = f.Fix
			}
		}
		if (fix == "") != (want == "") || !strings.Contains(fix, want) {
			t.Errorf("%s: %q, want %s", address, fix, want)
		}
	}
}

// KEDA reads authModes by either name; a pod identity it uses without, and so it is no Error.
func TestExamine_KnowsHowKEDAIsTold(t *testing.T) {
	t.Parallel()
	for mode, want := range map[string][]string{"authModes: bearer": nil, "authMode: bearer": nil, "timeout: 5s": {"authentication-ignored"}} {
		text := strings.ReplaceAll(sound, "- type: prometheus\n", "- type: prometheus\n      authenticationRef: {name: a}\n")
		o, err := doctor.Parse([]byte(strings.ReplaceAll(text, "serverAddress:", mode+"\n        serverAddress:")))
		if err != nil {
			t.Fatal(err)
		}
		found := doctor.Examine(o)
		if got := names(found, doctor.Note); !slices.Equal(got, want) {
			t.Errorf("%s: it finds %v", mode, got)
		}
		for _, f := range found {
			if f.Severity == doctor.Error || !strings.Contains(f.Why, "unless it is a pod identity") {
				t.Errorf("%s: %+v", mode, f)
			}
		}
	}
}
