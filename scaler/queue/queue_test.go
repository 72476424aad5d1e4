// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package queue_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hoist-dev/hoist/scaler/queue"
)

// answering is a Prometheus that says one thing.
func answering(t *testing.T, status int, body string) *queue.Prometheus {
	t.Helper()
	return asked(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	})
}

func asked(t *testing.T, answer http.HandlerFunc) *queue.Prometheus {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	p, err := queue.New(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func vector(values ...string) string {
	var all []string
	for i, v := range values {
		all = append(all, fmt.Sprintf(`{"metric":{"i":"%d"},"value":[1,%q]}`, i, v))
	}
	return `{"status":"success","data":{"resultType":"vector","result":[` + strings.Join(all, ",") + `]}}`
}

func TestNow_IsANumberOrUnknown(t *testing.T) {
	t.Parallel()
	if v, err := answering(t, http.StatusOK, vector("7.5")).Now(t.Context(), "q", time.Now()); err != nil || v != 7.5 {
		t.Errorf("%v, %v", v, err)
	}
	for name, p := range map[string]*queue.Prometheus{
		"empty":       answering(t, http.StatusOK, vector()),
		"two":         answering(t, http.StatusOK, vector("1", "2")),
		"NaN":         answering(t, http.StatusOK, vector("NaN")),
		"infinite":    answering(t, http.StatusOK, vector("+Inf")),
		"negative":    answering(t, http.StatusOK, vector("-1")),
		"a matrix":    answering(t, http.StatusOK, `{"status":"success","data":{"resultType":"matrix","result":[]}}`),
		"partial":     answering(t, http.StatusOK, strings.Replace(vector("1"), `"status"`, `"warnings":["a store is down"],"status"`, 1)),
		"refused":     answering(t, http.StatusForbidden, vector("1")),
		"down":        answering(t, http.StatusServiceUnavailable, "no"),
		"a failure":   answering(t, http.StatusOK, `{"status":"error","errorType":"execution","error":"too much"}`),
		"no JSON":     answering(t, http.StatusOK, "<html>"),
		"cut short":   answering(t, http.StatusOK, vector("1")[:40]),
		"another one": answering(t, http.StatusOK, `{"status":"success","data":{"resultType":"string","result":[1,"9"]}}`),
	} {
		if v, err := p.Now(t.Context(), "q", time.Now()); err == nil {
			t.Errorf("%s: it is %v", name, v)
		}
	}
}

// A long history comes in pieces that a server gives, each minute once; gaps stay gaps.
func TestHistory_ComesInPieces(t *testing.T) {
	t.Parallel()
	queries := 0
	p := asked(t, func(w http.ResponseWriter, r *http.Request) {
		queries++
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		start, _ := strconv.ParseFloat(r.Form.Get("start"), 64)
		end, _ := strconv.ParseFloat(r.Form.Get("end"), 64)
		step, _ := strconv.ParseFloat(r.Form.Get("step"), 64)
		if steps := (end - start) / step; step != 60 || steps > 11_000 {
			t.Errorf("it asks for %v steps of %v s", steps, step)
		}
		var values []string
		for at := start; at <= end; at += step {
			value := "1"
			if int64(at/60)%10 == 0 {
				value = "NaN"
			}
			values = append(values, fmt.Sprintf(`[%f,%q]`, at, value))
		}
		_, _ = w.Write([]byte(`{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[` + strings.Join(values, ",") + `]}]}}`))
	})
	const minutes = 28 * 24 * 60
	to := time.Unix(1_800_000_000, 0).Truncate(time.Minute)
	got, err := p.History(t.Context(), "q", to.Add(-minutes*time.Minute), to)
	if err != nil || queries < 4 || len(got) < minutes*9/10-1 || len(got) > minutes*9/10+1 {
		t.Errorf("%d samples in %d queries, %v", len(got), queries, err)
	}
	for i := 1; i < len(got); i++ {
		if d := got[i].At.Sub(got[i-1].At); d != time.Minute && d != 2*time.Minute {
			t.Fatalf("%v after %v", got[i].At, got[i-1].At)
		}
	}
	if _, err := answering(t, http.StatusUnprocessableEntity, "{}").History(t.Context(), "q", to.Add(-time.Hour), to); err == nil {
		t.Error("a refusal is a history")
	}
}
