// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package render_test

import (
	"strings"
	"testing"
)

// The API server takes the rules of Models, their cost included, and they refuse what no source reads.
func TestModel_RulesAreTakenAndDecide(t *testing.T) {
	t.Parallel()
	refused := rules(t, "hoist.dev_models.yaml")
	for spec, says := range map[string]string{
		"{source: s3://b/x/}": "", "{source: hf://o/r@v1/x}": "", "{source: hf://o/r@refs%2Fpr%2F1}": "", "{source: juicefs://v/x@y}": "credentials", "{source: pvc://c/x/}": "",
		"{source: minio://b/x/, s3: {endpoint: 'https://h:9000'}}": "", "{source: az://c/x/}": "", "{source: hf://o/r, hf: {endpoint: 'https://mirror'}}": "",
		"{source: juicefs://v/x/, layout: {huggingFace: {repo: o/r}}}": "", "{source: hf://o/r, layout: {huggingFace: {}}}": "",
		"{source: file:///etc/}": "write source", "{source: ftp://h/x}": "write source", "{source: hf://repo}": "write source", "{source: 's3:///x'}": "write source",
		"{source: 's3://k:s@b/x'}": "credentials", "{source: hf://t@o/r}": "credentials", "{source: juicefs://v/, layout: {huggingFace: {}}}": "repo is needed",
		"{source: hf://o/r, s3: {region: eu}}": "speak its protocol", "{source: s3://b/, hf: {}}": "hf is for", "{source: pvc://c/, credentials: {secretName: x}}": "has no credentials",
	} {
		if text := refused(spec); (text == nil) != (says == "") || text != nil && !strings.Contains(text.Error(), says) {
			t.Errorf("%s: %v, want %q", spec, text, says)
		}
	}
}
