// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"cmp"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/hoist-dev/hoist/scaler/demand"
)

// KEDA's and the HPA's defaults, in seconds.
const (
	defaultPolling  = 30
	defaultCooldown = 300
	defaultWindow   = 300
	defaultEvery    = 15
)

var objectChecks = []check{
	{"name-too-long", Error, func(o *Object) []said {
		const longest = 54
		if len(o.Name) <= longest {
			return nil
		}
		return one(said{what: fmt.Sprintf("the name has %d bytes", len(o.Name)), why: "the HPA is named keda-hpa-NAME, and 63 bytes are the most: the ScaledObject is refused",
			fix: "metadata:\n  name: " + strings.TrimRight(o.Name[:longest], "-.") + "\n"})
	}},
	{"dead-key", Warning, func(o *Object) []said {
		return o.each("prometheus", func(t *Trigger) (said, bool) {
			_, there := t.Metadata["metricName"]
			return said{what: "metricName means nothing any more", why: "KEDA ignores it since 2.12, and every other key that it does not know", fix: "# delete it\nname: demand\n"}, there
		})
	}},
	{"no-port", Warning, func(o *Object) []said {
		return o.each("prometheus", func(t *Trigger) (said, bool) {
			address, err := url.Parse(t.Metadata["serverAddress"])
			if err != nil || address.Host == "" {
				return said{what: "serverAddress is no address", why: "every look at it fails", fix: addressFix}, true
			}
			with := *address
			with.Host = net.JoinHostPort(address.Hostname(), "9090")
			return said{what: "serverAddress has no port, and so it is that of the protocol, 80 or 443", why: "Prometheus listens on 9090, if no Service in front of it says otherwise",
				fix: "metadata:\n  serverAddress: " + strconv.Quote(with.Redacted()) + "\n"}, address.Port() == "" && (address.Scheme == "http" || inCluster(address.Hostname()))
		})
	}},
	{"authentication-ignored", Warning, func(o *Object) []said {
		return o.each("prometheus", func(t *Trigger) (said, bool) {
			modes := cmp.Or(t.Metadata["authModes"], t.Metadata["authMode"])
			return said{what: "there is an authenticationRef and no authModes", why: "KEDA then uses none of it, a CA included, unless it is a pod identity, or has authModes itself",
				fix: "metadata:\n  authModes: bearer # with a pod identity every look would fail\n"}, t.AuthenticationRef != nil && modes == "" && !managed(t.Metadata["serverAddress"])
		})
	}},
	{"flapping", Warning, func(o *Object) []said {
		a := o.Spec.Advanced
		if a == nil || a.HPA == nil || a.HPA.Behavior == nil || a.HPA.Behavior.ScaleDown == nil {
			return one(said{what: "nothing slows it down", why: "by default all replicas may go at once, 5 minutes after the demand: each that is needed again is a cold start", fix: downFix})
		}
		if slows(a.HPA.Behavior.ScaleDown) {
			return nil
		}
		return one(said{what: "its behavior is what an HPA does by itself", why: "it changes nothing: all replicas may go at once, 5 minutes after the demand", fix: downFix})
	}},
	{"cooldown-short", Warning, func(o *Object) []said {
		cold := int32(180) // before one was seen
		if o.Facts != nil && o.Facts.ColdStart > 0 {
			cold = o.Facts.ColdStart
		}
		if o.least() > 0 || value(o.Spec.CooldownPeriod, defaultCooldown) >= 2*cold {
			return nil
		}
		return one(said{what: fmt.Sprintf("it sleeps after %d s, and a cold start takes %d s", value(o.Spec.CooldownPeriod, defaultCooldown), cold),
			why: "the step from any number of replicas to zero is one, past all behavior (keda#7770): a short lull costs a cold start", fix: fmt.Sprintf("cooldownPeriod: %d\n", max(1800, 2*cold))})
	}},
	{"polling-slow", Note, func(o *Object) []said {
		if o.least() > 0 || value(o.Spec.PollingInterval, defaultPolling) < defaultPolling {
			return nil
		}
		return one(said{what: fmt.Sprintf("it is looked at every %d s", value(o.Spec.PollingInterval, defaultPolling)), why: "from zero to one KEDA alone decides: with scrapes every 15 s a first request waits up to 45 s before a pod is even made", fix: "pollingInterval: 5\n"})
	}},
	{"no-floor", Note, func(o *Object) []said {
		if o.least() > 0 {
			return nil
		}
		for i := range o.Spec.Triggers {
			if o.Spec.Triggers[i].Type == "cron" {
				return nil
			}
		}
		return one(said{what: "nothing keeps a replica in the hours of business", why: "the first request of each morning waits for a cold start",
			fix: "triggers:\n  - type: cron\n    name: business\n    metadata: {timezone: Europe/Berlin, start: 45 7 * * 1-5, end: 0 19 * * 1-5, desiredReplicas: \"1\"}\n"})
	}},
	{"external-scaler", Warning, func(o *Object) []said {
		if len(o.Spec.Triggers) < 2 {
			return nil
		}
		return append(o.each("external", poisons), o.each("external-push", poisons)...)
	}},
	{"fractional-target", Error, func(o *Object) []said {
		if a := o.Spec.Advanced; a != nil && a.Modifiers != nil && strings.Contains(a.Modifiers.Target, ".") && o.Spec.Fallback != nil {
			times, target := whole(a.Modifiers.Target)
			return one(said{what: "scalingModifiers.target is " + a.Modifiers.Target, why: "KEDA reads it as a whole number when it looks for a fallback, and then has none",
				fix: fmt.Sprintf("# both times %s\nscalingModifiers: {formula: %s, target: %q}\n", times, strconv.Quote(times+" * ("+a.Modifiers.Formula+")"), target)})
		}
		return nil
	}},
	{"highest-not-sum", Warning, func(o *Object) []said {
		counted := map[string]int{}
		for i := range o.Spec.Triggers {
			if q := o.Spec.Triggers[i].query; q != nil {
				for _, name := range q.names {
					counted[name] = i + 1
				}
			}
		}
		for name, s := range waiting {
			if a, b := counted[name], counted[s.running]; a > 0 && b > 0 && a != b {
				return one(said{what: "running and waiting requests are two triggers", why: "the HPA takes the one that asks for most, never the sum", fix: o.asks(name)})
			}
		}
		return nil
	}},
}

const downFix = `advanced:
  horizontalPodAutoscalerConfig:
    behavior:
      scaleDown:
        stabilizationWindowSeconds: 360 # two cold starts
        policies: [{type: Percent, value: 50, periodSeconds: 60}]
`

// slows reports whether rules keep an HPA from ending all replicas at once, 5 minutes after the demand.
func slows(down *rules) bool {
	if down.SelectPolicy == "Disabled" || value(down.StabilizationWindowSeconds, defaultWindow) > defaultWindow {
		return true
	}
	slow := 0
	for _, p := range down.Policies {
		if p.Type != "Percent" || p.Value < 100 || p.PeriodSeconds > defaultEvery {
			slow++
		}
	}
	if down.SelectPolicy == "Min" {
		return slow > 0
	}
	return slow > 0 && slow == len(down.Policies) // the fastest counts
}

// whole is the least power of ten that makes a whole number of a fraction, and that number. What is none stays.
func whole(fraction string) (times, number string) {
	f, err := strconv.ParseFloat(fraction, 64)
	if err != nil {
		return "1", fraction
	}
	before, after, _ := strings.Cut(strconv.FormatFloat(f, 'f', -1, 64), ".")
	return "1" + strings.Repeat("0", len(after)), orName(strings.TrimLeft(before+after, "0"), "0")
}

// inCluster reports whether a host is a Service, by a name that says so.
func inCluster(host string) bool {
	return strings.HasSuffix(host, ".svc") || strings.Contains(host, ".svc.")
}

// managed reports whether an address is a cloud's own Prometheus. KEDA shows it a pod identity, and does so only without authModes.
func managed(server string) bool {
	address, err := url.Parse(server)
	return err == nil && slices.ContainsFunc([]string{".amazonaws.com", ".prometheus.monitor.azure.com", ".googleapis.com"}, func(cloud string) bool {
		return strings.HasSuffix(address.Hostname(), cloud)
	})
}

func poisons(t *Trigger) (said, bool) {
	s := said{what: "an external scaler beside other triggers", why: "while it can't be reached, all of them fail, and no fallback comes (keda#5914, keda#8056)", fix: "# have it export a gauge, and ask Prometheus\ntype: prometheus\n"}
	if route := cmp.Or(t.Metadata["interceptorRoute"], t.Metadata["httpScaledObject"]); route != "" { // KEDA's HTTP add-on, which does
		s.fix = fmt.Sprintf(wakeFix, strings.ReplaceAll(demand.HTTPAddOn("keda", "NAMESPACE", route), "'", "''"))
	}
	return s, true
}
