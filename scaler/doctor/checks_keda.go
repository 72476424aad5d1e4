// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Release is a version of KEDA.
type Release struct{ Major, Minor, Patch int }

var release = regexp.MustCompile(`^v?(\d{1,4})\.(\d{1,4})(?:\.(\d{1,4}))?`)

// ParseRelease reads the tag of an image, or a label; ok is false where it is no number, such as main.
func ParseRelease(text string) (r Release, ok bool) {
	found := release.FindStringSubmatch(text)
	if found == nil {
		return r, false
	}
	for i, into := range []*int{&r.Major, &r.Minor, &r.Patch} {
		*into, _ = strconv.Atoi(found[i+1])
	}
	return r, true
}

func (r Release) before(major, minor, patch int) bool {
	if r.Major != major {
		return r.Major < major
	}
	if r.Minor != minor {
		return r.Minor < minor
	}
	return r.Patch < patch
}

func (r Release) String() string { return fmt.Sprintf("%d.%d.%d", r.Major, r.Minor, r.Patch) }

// KEDA is what a cluster says of it.
type KEDA struct {
	Release *Release // nil: it does not say
	Unknown string   // why
	// Metrics is the Service that answers the HPA for external metrics, as namespace/name; "" is unknown.
	Metrics string
}

// bites is what a release changed, and what it was like before.
var bites = []struct {
	major, minor, patch int
	what                string
}{
	{2, 19, 0, "at no replicas there is no fallback (keda#7239)"},
	{2, 20, 0, "a query that gives NaN counts as a huge negative number, and ends replicas (keda#7475)"},
	{2, 20, 2, "a negative number is taken for what it says (keda#7880)"},
}

const upgrade = `# helm upgrade keda kedacore/keda --namespace keda --version 2.20.2, or later
image: {keda: {tag: 2.20.2}, metricsApiServer: {tag: 2.20.2}, webhooks: {tag: 2.20.2}}
`

// kedaChecks are about KEDA itself, and the same for every ScaledObject.
var kedaChecks = []check{
	{"keda-old", Warning, func(o *Object) []said {
		if o.Facts == nil || o.Facts.KEDA == nil || o.Facts.KEDA.Release == nil {
			return nil
		}
		var wrong []string
		for _, b := range bites {
			if o.Facts.KEDA.Release.before(b.major, b.minor, b.patch) {
				wrong = append(wrong, b.what)
			}
		}
		if len(wrong) == 0 {
			return nil
		}
		return one(said{of: "KEDA", what: "it is release " + o.Facts.KEDA.Release.String() + ", older than 2.20.2", why: strings.Join(wrong, "; ") + ". Fields that it does not know yet it drops in silence", fix: upgrade})
	}},
	{"external-metrics-taken", Error, func(o *Object) []said {
		if o.Facts == nil || o.Facts.KEDA == nil {
			return nil
		}
		by := o.Facts.KEDA.Metrics
		if by == "" || strings.Contains(by, "keda") {
			return nil
		}
		return one(said{of: "KEDA", what: "external metrics are answered by the Service " + by + ", which is not KEDA's", why: "the APIService v1beta1.external.metrics.k8s.io has room for one: every HPA of KEDA's says <unknown>, and none scales",
			fix: "apiVersion: apiregistration.k8s.io/v1\nkind: APIService\nmetadata: {name: v1beta1.external.metrics.k8s.io}\nspec: {service: {name: keda-operator-metrics-apiserver, namespace: keda}} # and switch it off at the other\n"})
	}},
	{"keda-version-unknown", Note, func(o *Object) []said {
		if o.Facts == nil || o.Facts.KEDA == nil || o.Facts.KEDA.Release != nil {
			return nil
		}
		return one(said{of: "KEDA", what: "its release is not known: " + o.Facts.KEDA.Unknown, why: "before 2.20.2 there are traps: " + bites[0].what + ", before 2.19; " + bites[1].what + ", before 2.20", fix: upgrade})
	}},
}
