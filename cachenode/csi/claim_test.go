// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package csi

import (
	"maps"
	"strings"
	"testing"

	spec "github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc/codes"

	"github.com/hoist-dev/hoist/cachenode"
)

func TestClaim_IsWhatThePodAndTheKubeletSay(t *testing.T) {
	t.Parallel()
	want := Claim{
		Volume: "csi-1", Pod: PodRef{Namespace: "team-a", Name: "web-0", UID: "uid-web-0", ServiceAccount: "default"},
		Model: ModelRef{Namespace: "team-a", Name: "llama"},
	}
	asked := attributes("web-0", "llama")
	asked[attrMode] = "Wait"
	asked[kubeletPrefix+"serviceAccount.tokens"] = "secret"
	if got, err := parseClaim("csi-1", asked); err != nil || got != want {
		t.Fatalf("got %+v, %v", got, err)
	}
	asked[attrNamespace] = "shared"
	want.Model.Namespace = "shared"
	if got, err := parseClaim("csi-1", asked); err != nil || got != want {
		t.Fatalf("got %+v, %v", got, err)
	}
}

// loads has a pod wait for a server that loads when it is asked.
func loads(a map[string]string) {
	a[attrReadiness], a[attrLoadServer], a[attrLoadPort], a[attrLoadModel] = "VRAM", "Ollama", "11434", "tiny:1b"
}

func TestClaim_SaysWhoIsAskedToLoad(t *testing.T) {
	t.Parallel()
	asked := attributes("web-0", "llama")
	loads(asked)
	got, err := parseClaim("csi-1", asked)
	if want := (Gate{Waits: true, Load: Load{Server: "Ollama", Port: 11434, Model: "tiny:1b"}}); err != nil || got.Gate != want {
		t.Fatalf("got %+v, %v", got.Gate, err)
	}
}

func TestClaim_RefusalsNameWhatIsWrong(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		change func(map[string]string)
		says   string
	}{
		"persistent":       {func(a map[string]string) { delete(a, ephemeral) }, "persistent volumes are not supported"},
		"not ephemeral":    {func(a map[string]string) { a[ephemeral] = "false" }, "persistent volumes are not supported"},
		"no pod name":      {func(a map[string]string) { delete(a, podName) }, "podInfoOnMount"},
		"no pod namespace": {func(a map[string]string) { delete(a, podNamespace) }, podNamespace},
		"no pod uid":       {func(a map[string]string) { delete(a, podUID) }, podUID},
		"no account":       {func(a map[string]string) { delete(a, serviceAccount) }, serviceAccount},
		"no model":         {func(a map[string]string) { delete(a, attrModel) }, "names no model"},
		"model is a path":  {func(a map[string]string) { a[attrModel] = "../llama" }, "volume attribute model"},
		"long model":       {func(a map[string]string) { a[attrModel] = strings.Repeat("a", 64) }, "volume attribute model"},
		"empty namespace":  {func(a map[string]string) { a[attrNamespace] = "" }, "volume attribute namespace"},
		"typo":             {func(a map[string]string) { a["revison-"] = "x" }, `"revison-"`},
		"load of nothing":  {func(a map[string]string) { loads(a); delete(a, attrLoadModel) }, "volume attribute loadModel"},
		"load of controls": {func(a map[string]string) { loads(a); a[attrLoadModel] = "a\x1b" }, "volume attribute loadModel"},
		"load at no port":  {func(a map[string]string) { loads(a); delete(a, attrLoadPort) }, "volume attribute loadPort"},
		"load far away":    {func(a map[string]string) { loads(a); a[attrLoadPort] = "70000" }, "volume attribute loadPort"},
		"load at a name":   {func(a map[string]string) { loads(a); a[attrLoadPort] = "http" }, "volume attribute loadPort"},
		"readiness":        {func(a map[string]string) { a[attrReadiness] = "HTTP" }, "volume attribute readiness"},
		"stream":           {func(a map[string]string) { a[attrMode] = "Stream" }, "not built yet"},
		"mode":             {func(a map[string]string) { a[attrMode] = "wait" }, `"wait"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			asked := attributes("web-0", "llama")
			row.change(asked)
			_, err := parseClaim("csi-1", asked)
			if cachenode.KindOf(err) != cachenode.ErrInvalid || !strings.Contains(err.Error(), row.says) {
				t.Fatalf("got %v, want one that says %q", err, row.says)
			}
		})
	}
}

func TestDriver_RefusesWhatIsMissing(t *testing.T) {
	t.Parallel()
	r := started(t)
	for name, change := range map[string]func(*spec.NodePublishVolumeRequest){
		"volume":       func(r *spec.NodePublishVolumeRequest) { r.VolumeId = "" },
		"long volume":  func(r *spec.NodePublishVolumeRequest) { r.VolumeId = strings.Repeat("v", maxVolumeID+1) },
		"target":       func(r *spec.NodePublishVolumeRequest) { r.TargetPath = "" },
		"another pod":  func(r *spec.NodePublishVolumeRequest) { r.VolumeContext[podUID] = "uid-web-1" },
		"capability":   func(r *spec.NodePublishVolumeRequest) { r.VolumeCapability = nil },
		"block device": func(r *spec.NodePublishVolumeRequest) { r.VolumeCapability.AccessType = &spec.VolumeCapability_Block{} },
		"context":      func(r *spec.NodePublishVolumeRequest) { r.VolumeContext = nil },
	} {
		ask := r.request(t, "web-0", "llama")
		change(ask)
		_, err := (node{driver: r.driver}).NodePublishVolume(t.Context(), ask)
		if msg := wantCode(t, err, codes.InvalidArgument); msg == "" {
			t.Error(name)
		}
	}
	_, err := (node{driver: r.driver}).NodeUnpublishVolume(t.Context(), &spec.NodeUnpublishVolumeRequest{TargetPath: r.target(t, "web-0", "weights")})
	wantCode(t, err, codes.InvalidArgument)
	r.holds(t, 0)
}

func FuzzParseClaim(f *testing.F) {
	f.Add("csi-1", "model", "llama", "namespace", "team-b")
	f.Add("csi-1", "mode", "Stream", ephemeral, "false")
	f.Add("", podUID, "../..", podName, "\x00")
	f.Fuzz(func(t *testing.T, volume, key1, value1, key2, value2 string) {
		asked := attributes("web-0", "llama")
		asked[key1], asked[key2] = value1, value2
		before := maps.Clone(asked)
		claim, err := parseClaim(volume, asked)
		if !maps.Equal(before, asked) {
			t.Fatal("the attributes were changed")
		}
		if err != nil {
			if cachenode.KindOf(err) != cachenode.ErrInvalid {
				t.Fatalf("%v is not ErrInvalid", err)
			}
			return
		}
		for name := range asked {
			if name != attrModel && name != attrNamespace && name != attrMode && !strings.HasPrefix(name, kubeletPrefix) {
				t.Fatalf("unknown attribute %q was taken", name)
			}
		}
		for _, name := range []string{claim.Model.Name, claim.Model.Namespace} {
			if name == "" || len(name) > 63 || strings.ContainsAny(name, "/._\x00 \n") {
				t.Fatalf("%q was taken for a name", name)
			}
		}
		if claim.Volume != volume || claim.Pod.UID != asked[podUID] || claim.Model.Name != asked[attrModel] {
			t.Fatalf("%+v is not what was asked for", claim)
		}
	})
}
