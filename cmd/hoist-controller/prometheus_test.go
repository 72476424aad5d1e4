// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"

	"github.com/hoist-dev/hoist/scaler"
	"github.com/hoist-dev/hoist/scaler/queue"
	"github.com/hoist-dev/hoist/scaler/scaledobject"
)

func TestPrometheusFlags(t *testing.T) {
	t.Parallel()
	const at = "--prometheus-address=https://prometheus:9090 "
	tenant := map[string]string{"X-Scope-OrgID": "a|b"}
	for line, row := range map[string]struct {
		want    scaler.Ours
		refused string
	}{
		"": {},
		at: {want: scaler.Ours{Address: "https://prometheus:9090"}},
		at + "--prometheus-identity=/x --prometheus-header=X-Scope-OrgID=a|b --prometheus-trigger-authentication=ClusterTriggerAuthentication/p --prometheus-auth-modes=bearer,tls": {
			want: scaler.Ours{Address: "https://prometheus:9090", Identity: queue.Identity{Folder: "/x", Headers: tenant},
				KEDA: scaledobject.Identity{Kind: "ClusterTriggerAuthentication", Name: "p", Modes: "bearer,tls", Headers: tenant}}},
		at + "--prometheus-trigger-authentication=ClusterTriggerAuthentication/p":                        {refused: "--prometheus-auth-modes"},
		at + "--prometheus-trigger-authentication=p --prometheus-auth-modes=bearer":                      {refused: "want ClusterTriggerAuthentication/NAME"},
		at + "--prometheus-trigger-authentication=Secret/p --prometheus-auth-modes=tls":                  {refused: "want ClusterTriggerAuthentication/NAME"},
		at + "--prometheus-auth-modes=bearer":                                                            {refused: "want ClusterTriggerAuthentication/NAME"},
		at + "--prometheus-trigger-authentication=TriggerAuthentication/p --prometheus-auth-modes=token": {refused: "--prometheus-auth-modes"},
		at + "--prometheus-header=X-Scope-OrgID=a%2Cb":                                                   {refused: "--prometheus-header X-Scope-OrgID"},
		"--prometheus-identity=/x":                                                                       {refused: "need --prometheus-address"},
	} {
		var o prometheusOptions
		flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
		o.addFlags(flags)
		if err := flags.Parse(strings.Fields(line)); err != nil {
			t.Fatal(err)
		}
		got, err := o.ours()
		switch {
		case row.refused == "" && err != nil, row.refused != "" && (err == nil || !strings.Contains(err.Error(), row.refused)):
			t.Errorf("%s: %v", line, err)
		case row.refused == "":
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", line, diff)
			}
		}
	}
}
