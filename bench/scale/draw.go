// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"path/filepath"
	"time"

	"github.com/hoist-dev/hoist/bench/scale/chart"
	"github.com/hoist-dev/hoist/bench/scale/policy"
)

// draw writes the plots of the seasonal loads, and the one of costs for each other load.
func (o *outcome) draw(dir string) error {
	var groups []chart.Group
	for _, name := range []string{policy.InFlightKEDA, policy.Slow, policy.Reactive, policy.Forecast, policy.Oracle} {
		g := chart.Group{Name: name}
		for _, cold := range coldStarts {
			r := o.row(cold, name)
			g.Points = append(g.Points, chart.Point{GPUHours: r.GPUHours, Percent: 100 * r.Slow})
		}
		groups = append(groups, g)
	}
	path := filepath.Join(dir, "scale-"+o.short+".svg")
	if err := chart.Pareto(path, o.name+". Cold start: 180 s circle, 45 s triangle, 20 s square", groups); err != nil || !o.seasonal {
		return err
	}
	return o.drawMorning(filepath.Join(dir, "scale-"+o.short+"-morning.svg"))
}

// drawMorning shows who was ready when: Wednesday of the week that counts, 7 to 13 o'clock, at 45 s.
func (o *outcome) drawMorning(path string) error {
	const begin, hours = week + 2*24*time.Hour + 7*time.Hour, 6
	needed := chart.Series{Name: "needed"}
	counts := o.counted()
	for i := range hours * 60 {
		rate := counts[int(begin/time.Minute)+i] / 60
		replicas := rate * o.service.Seconds() / (policy.Utilization * float64(o.slots))
		needed.Steps = append(needed.Steps, chart.Step{Hour: 7 + float64(i)/60, Value: replicas})
	}
	series := []chart.Series{needed}
	for _, name := range []string{policy.Reactive, policy.Forecast} {
		s := chart.Series{Name: name, Steps: []chart.Step{{Hour: 7}}}
		for _, p := range o.row(coldStarts[1], name).Replicas {
			hour := 7 + (p.At - begin).Hours()
			switch {
			case p.At <= begin:
				s.Steps[0].Value = float64(p.N)
			case p.At < begin+hours*time.Hour:
				s.Steps = append(s.Steps, chart.Step{Hour: hour, Value: float64(p.N)})
			}
		}
		series = append(series, s)
	}
	return chart.Timeline(path, o.name+": a Wednesday morning, cold start 45 s", "replicas", series)
}
