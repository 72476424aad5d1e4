// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"html/template"
	"image/color"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/hoist-dev/hoist/bench/palette"
	"github.com/hoist-dev/hoist/bench/result"
)

const width = 19 * vg.Centimeter

// band is a span of seconds in a line of a plot.
type band struct {
	from, to float64
	color    int
}

// line is a name and what happened, drawn from top to bottom in the order of a slice of them.
type line struct {
	name  string
	bands []band
}

// overview draws a bar for each scenario, of the medians of its phases.
func overview(r *result.Result) (template.HTML, error) {
	names := phases(r)
	var lines []line
	for _, s := range rows(r) {
		l := line{name: s.Name}
		var at float64
		for i, seconds := range s.phases {
			if seconds > 0 {
				l.bands = append(l.bands, band{at, at + seconds, i})
				at += seconds
			}
		}
		lines = append(lines, l)
	}
	return gantt("From wanted to the first answer, medians of phases", lines, names)
}

// waterfall draws the phases of one run, one below the other.
func waterfall(r *result.Result, scenario string, run *result.Run) (template.HTML, error) {
	names := phases(r)
	var lines []line
	var at float64
	for _, p := range run.Phases {
		l := line{name: p.Name}
		for i, name := range names {
			if name == p.Name {
				l.bands = []band{{at, at + p.Seconds, i}}
			}
		}
		at += p.Seconds
		lines = append(lines, l)
	}
	return gantt(scenario+": the run nearest to the median", lines, nil)
}

// gantt draws lines of bands over seconds, with a legend of the colors.
func gantt(title string, lines []line, legend []string) (template.HTML, error) {
	p := paper(title)
	var labels []string
	thumbs := make([]plot.Thumbnailer, len(legend))
	for i, l := range lines {
		y := float64(len(lines) - 1 - i)
		labels = append([]string{l.name}, labels...)
		for _, b := range l.bands {
			box, err := plotter.NewPolygon(plotter.XYs{{X: b.from, Y: y - 0.35}, {X: b.to, Y: y - 0.35}, {X: b.to, Y: y + 0.35}, {X: b.from, Y: y + 0.35}})
			if err != nil {
				return "", err
			}
			box.Color, box.Width = palette.Color(b.color), 0
			p.Add(box)
			if b.color < len(thumbs) {
				thumbs[b.color] = box
			}
		}
	}
	for i, thumb := range thumbs {
		if thumb != nil {
			p.Legend.Add(legend[i], thumb)
		}
	}
	p.NominalY(labels...)
	p.Y.Min, p.Y.Max = -0.6, float64(len(lines))-0.4
	p.X.Max *= 1.03
	height := vg.Length(len(lines))*0.9*vg.Centimeter + 2.2*vg.Centimeter
	if len(legend) > 0 {
		p.Legend.Top = false
		p.Y.Min -= 0.45 * float64(len(legend)) / 0.9
		height += vg.Length(len(legend)) * 0.45 * vg.Centimeter
	}
	return render(p, height, title)
}

// strip draws every run of every scenario as a ring, and their median as a line.
func strip(r *result.Result) (template.HTML, error) {
	const title = "Every run"
	p := paper(title)
	all := rows(r)
	var labels []string
	for i := range r.Scenarios {
		s := &r.Scenarios[i]
		if len(s.Runs) == 0 {
			continue
		}
		y := float64(len(all) - 1 - len(labels))
		labels = append(labels, s.Name)
		runs := make(plotter.XYs, len(s.Runs))
		for j, seconds := range s.Seconds() {
			runs[j] = plotter.XY{X: seconds, Y: y}
		}
		rings, err := plotter.NewScatter(runs)
		if err != nil {
			return "", err
		}
		rings.GlyphStyle = draw.GlyphStyle{Color: palette.Color(0), Radius: vg.Points(4), Shape: draw.RingGlyph{}}
		median := result.Median(s.Seconds())
		middle, err := plotter.NewLine(plotter.XYs{{X: median, Y: y - 0.35}, {X: median, Y: y + 0.35}})
		if err != nil {
			return "", err
		}
		middle.Color, middle.Width = palette.Color(1), vg.Points(1.5)
		p.Add(rings, middle)
	}
	for i, j := 0, len(labels)-1; i < j; i, j = i+1, j-1 {
		labels[i], labels[j] = labels[j], labels[i]
	}
	p.NominalY(labels...)
	p.Y.Min, p.Y.Max = -0.6, float64(len(all))-0.4
	p.X.Max *= 1.03
	return render(p, vg.Length(len(all))*0.9*vg.Centimeter+2.2*vg.Centimeter, title)
}

func paper(title string) *plot.Plot {
	p := plot.New()
	p.BackgroundColor = color.White // pages may be dark
	p.Title.Text, p.X.Label.Text = title, "seconds"
	p.X.Min = 0
	p.Add(plotter.NewGrid())
	return p
}

// render is the plot as an element of a page.
func render(p *plot.Plot, height vg.Length, title string) (template.HTML, error) {
	canvas := vgsvg.New(width, height)
	p.Draw(draw.New(canvas))
	var out bytes.Buffer
	if _, err := canvas.WriteTo(&out); err != nil {
		return "", err
	}
	svg := out.String()
	svg = svg[max(0, strings.Index(svg, "<svg")):]
	label := template.HTMLEscapeString(title)
	return template.HTML(strings.Replace(svg, "<svg ", `<svg role="img" aria-label="`+label+`" `, 1)), nil // names in it are escaped by the canvas
}
