// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package view_test

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hoist-dev/hoist/api/v1alpha1"
	"github.com/hoist-dev/hoist/prefetch/view"
)

func someModels() []v1alpha1.Model {
	fresh := model("fresh")
	fresh.Status, fresh.CreationTimestamp = v1alpha1.ModelStatus{}, ago(time.Second)
	drifted := model("drifted")
	drifted.Status.Copies = v1alpha1.Copies{Ready: 1, Failed: 2, Total: 3, ReadyOfTotal: "1/3"}
	drifted.Status.Conditions = append(drifted.Status.Conditions,
		is(v1alpha1.SourceDriftedCondition, metav1.ConditionTrue, v1alpha1.DriftedReason, "the source holds revision ba9876543210 now"))
	lost := model("lost")
	lost.Status.Conditions[0] = is(v1alpha1.ResolvedCondition, metav1.ConditionFalse, v1alpha1.SourceUnavailableReason, "list s3://models/lost/: origin unavailable")
	return []v1alpha1.Model{model("llama3-8b"), fresh, drifted, lost,
		unread("denied", v1alpha1.SourceDeniedReason, "list s3://models/denied/: access denied\x1b[2J\nsecond line")}
}

func TestModels_SayWhatIsWrong(t *testing.T) {
	t.Parallel()
	golden(t, view.Models(someModels(), options()), `
NAME        READY     COPIES   SIZE     SOURCE                   AGE   MESSAGE
denied      False     0/0      -        s3://models/denied/      3h    the source can't be read: list s3://models/denied/: access denied [2J second line
drifted     True      1/3      15.0Gi   s3://models/drifted/     3h    the source holds revision ba9876543210 now; 2 copies failed, hoist nodes says where
fresh       Unknown   -        -        s3://models/fresh/       1s    the controller has not looked at it yet
llama3-8b   True      2/2      15.0Gi   s3://models/llama3-8b/   3h
lost        True      2/2      15.0Gi   s3://models/lost/        3h    the source can't be read now: list s3://models/lost/: origin unavailable
`)
}

func TestModels_WideOfAllNamespaces(t *testing.T) {
	t.Parallel()
	o := options()
	o.Wide, o.Namespaces = true, true
	golden(t, view.Models(someModels()[:1], o), `
NAMESPACE   NAME        READY   COPIES   SIZE     SOURCE                   AGE   REVISION       FILES   UPDATES   CHECKED   MESSAGE
team-a      llama3-8b   True    2/2      15.0Gi   s3://models/llama3-8b/   3h    0123456789ab   7       Hold      2m
`)
}

func TestNodes_SayWhatIsWrong(t *testing.T) {
	t.Parallel()
	failed := held("denied", v1alpha1.FailedPhase)
	failed.Message = "access denied"
	silent, broken, young := cacheNode("gpu-2"), cacheNode("gpu-3"), v1alpha1.CacheNode{ObjectMeta: metav1.ObjectMeta{Name: "gpu-4"}}
	silent.Status.ReportedAt = at(5 * time.Minute)
	broken.Status.Disk.Health = "Down"
	broken.Status.Conditions[0] = is(v1alpha1.ReadyCondition, metav1.ConditionFalse, v1alpha1.DiskDownReason, "the cache's disk fails")
	nodes := []v1alpha1.CacheNode{young, broken, silent, cacheNode("gpu-1", held("llama3-8b", v1alpha1.FetchingPhase), failed, failed, failed)}
	golden(t, view.Nodes(nodes, options()), `
NAME    READY     MODELS   USED/BUDGET      DISK     AGENT-VERSION   LAST-REPORT   MESSAGE
gpu-1   True      1/1      15.0Gi/100.0Gi   Normal   v0.1.0          5s            model team-a/denied: access denied; model team-a/denied: access denied; and 1 more
gpu-2   Unknown   1/1      15.0Gi/100.0Gi   Normal   v0.1.0          5m            its agent has not reported for 5m: is the node up, and its hoist-agent pod?
gpu-3   False     1/1      15.0Gi/100.0Gi   Down     v0.1.0          5s            the cache's disk fails
gpu-4   Unknown   -        0/0              -        -               -             its agent has not reported yet
`)
	o := options()
	o.Wide = true
	golden(t, view.Nodes(nodes[3:], o), `
NAME    READY   MODELS   USED/BUDGET      DISK     AGENT-VERSION   LAST-REPORT   FETCHING   SPEED       MOUNTS   AGE   MESSAGE
gpu-1   True    1/1      15.0Gi/100.0Gi   Normal   v0.1.0          5s            1          300.0Mi/s   0        2d    model team-a/denied: access denied; model team-a/denied: access denied; and 1 more
`)
}

func TestProgress_IsABarForEachDownload(t *testing.T) {
	t.Parallel()
	unknown := held("mixtral", v1alpha1.FetchingPhase)
	unknown.BytesTotal, unknown.BytesDone, unknown.BytesPerSecond, unknown.RemainingSeconds = 0, 0, -1, -1
	other := held("elsewhere", v1alpha1.FetchingPhase)
	other.Namespace = "team-b"
	nodes := []v1alpha1.CacheNode{
		cacheNode("gpu-2", held("llama3-8b", v1alpha1.FetchingPhase), other, unknown),
		cacheNode("gpu-1", held("llama3-8b", v1alpha1.PendingPhase), held("done", v1alpha1.ReadyPhase)),
	}
	downloads := view.Downloads(nodes, "team-a")
	golden(t, view.Progress(downloads, options()), `
MODEL       NODE    PROGRESS                    DONE/TOTAL      SPEED       LEFT
llama3-8b   gpu-1   ░░░░░░░░░░░░░░░░░░░░        waits           -           -
llama3-8b   gpu-2   ██████████████░░░░░░  73%   11.0Gi/15.0Gi   300.0Mi/s   14s
mixtral     gpu-2   ░░░░░░░░░░░░░░░░░░░░        0/0             -           -
`)
	if got, want := view.Sum(downloads), "2 downloads run: 11.0Gi of 15.0Gi, 300.0Mi/s, 14s left for the slowest; 1 waits"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := len(view.Downloads(nodes, "")); got != 4 {
		t.Errorf("%d downloads in all namespaces, want 4", got)
	}
	if got := view.Sum(nil); !strings.Contains(got, "no downloads") {
		t.Errorf("of none it says %q", got)
	}
}
