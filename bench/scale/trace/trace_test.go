// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package trace_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hoist-dev/hoist/bench/scale/trace"
)

func collect(text string) ([]trace.Request, error) {
	requests, err := trace.Read(strings.NewReader(text))
	if err != nil {
		return nil, err
	}
	var all []trace.Request
	for r, err := range requests {
		if err != nil {
			return all, err
		}
		all = append(all, r)
	}
	return all, nil
}

func TestRead_KnowsThePublishedFormats(t *testing.T) {
	t.Parallel()
	evening := 18*time.Hour + 17*time.Minute
	for name, c := range map[string]struct {
		text string
		want []trace.Request
	}{
		"Azure 2023": {
			"TIMESTAMP,ContextTokens,GeneratedTokens\r\n2023-11-16 18:17:03.9799600,4808,10\r\n2023-11-16 18:17:04.0319600,3180,8\r\n",
			[]trace.Request{{evening + 3979960*time.Microsecond, 4808, 10}, {evening + 4031960*time.Microsecond, 3180, 8}},
		},
		"Azure 2024": {
			"TIMESTAMP,ContextTokens,GeneratedTokens\n2024-05-10 00:00:00.009930+00:00,2162,5\n2024-05-11 00:00:01+00:00,1,2\n",
			[]trace.Request{{9930 * time.Microsecond, 2162, 5}, {24*time.Hour + time.Second, 1, 2}},
		},
		"BurstGPT 1": {
			"Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n5,ChatGPT,472,18,490,Conversation log\n",
			[]trace.Request{{5 * time.Second, 472, 18}},
		},
		"BurstGPT 2": {
			"Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,Log Type\n" +
				"19440110.5,some-id,43,GPT-4,906,446,1352,Conversation log\n",
			[]trace.Request{{19440110500 * time.Millisecond, 906, 446}},
		},
		"Mooncake": {
			`{"timestamp": 27482, "input_length": 6955, "output_length": 52, "hash_ids": [46, 47]}` + "\n",
			[]trace.Request{{27482 * time.Millisecond, 6955, 52}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := collect(c.text)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRead_SaysWhereATraceIsBroken(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, says string }{
		"empty":           {"", "empty trace"},
		"another format":  {"a,b\n1,2\n", "not Azure's"},
		"a column less":   {"TIMESTAMP,ContextTokens\n", `no column "GeneratedTokens"`},
		"no time":         {"TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:17:03,1,1\nyesterday,1,1\n", "line 3"},
		"negative tokens": {"TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:17:03,-1,1\n", "line 2"},
		"no number":       {"Timestamp,Request tokens,Response tokens\nNaN,1,1\n", "no time"},
		"a short line":    {"Timestamp,Request tokens,Response tokens\n1,1\n", "wrong number of fields"},
		"no timestamp":    {`{"input_length": 1}`, "no timestamp"},
		"half an object":  {`{"timestamp": 1`, "request 1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := collect(c.text); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v, want something with %q", err, c.says)
			}
		})
	}
}

// FuzzRead: whatever the bytes, requests are sane or there is an error.
func FuzzRead(f *testing.F) {
	f.Add("TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:17:03.9799600,4808,10\n")
	f.Add("Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n5,ChatGPT,472,18,490,API log\n")
	f.Add(`{"timestamp": 27482, "input_length": 6955, "output_length": 52, "hash_ids": [46, 47]}`)
	f.Fuzz(func(t *testing.T, text string) {
		all, _ := collect(text)
		for _, r := range all {
			if r.At < 0 || r.Input < 0 || r.Output < 0 {
				t.Fatalf("%+v", r)
			}
		}
	})
}
