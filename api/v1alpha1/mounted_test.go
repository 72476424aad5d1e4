// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"testing"
	"time"

	"github.com/hoist-dev/hoist/api/v1alpha1"
)

func TestMounted_IsReadAsItIsWritten(t *testing.T) {
	t.Parallel()
	for _, m := range []v1alpha1.Mounted{{Model: "llama3-8b", After: 12 * time.Millisecond}, {Model: "a.b", After: 90 * time.Second, Downloaded: 1 << 40}} {
		if got, ok := v1alpha1.ParseMounted(m.String()); !ok || got != m {
			t.Errorf("%q reads as %+v, %v", m, got, ok)
		}
	}
	for _, note := range []string{"", "model x mounted", "model x mounted NaN s after the kubelet asked for it, 0 bytes were downloaded meanwhile", "model x mounted -1 s after the kubelet asked for it, 0 bytes were downloaded meanwhile"} {
		if got, ok := v1alpha1.ParseMounted(note); ok {
			t.Errorf("%q reads as %+v", note, got)
		}
	}
}
