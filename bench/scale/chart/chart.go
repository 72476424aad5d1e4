// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Package chart draws a replay's results as SVG.
package chart

import (
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

const (
	width  = 18 * vg.Centimeter
	height = 9 * vg.Centimeter

	// leastShare is where a logarithmic axis of percents ends; what is less is drawn there.
	leastShare = 0.01
)

// palette is Okabe and Ito's, which people with any color vision tell apart.
var palette = []color.Color{
	color.RGBA{0x00, 0x72, 0xb2, 0xff}, color.RGBA{0xd5, 0x5e, 0x00, 0xff}, color.RGBA{0x00, 0x9e, 0x73, 0xff},
	color.RGBA{0xcc, 0x79, 0xa7, 0xff}, color.RGBA{0xe6, 0x9f, 0x00, 0xff}, color.RGBA{0x56, 0xb4, 0xe9, 0xff},
}

// Point is a policy's cost and harm.
type Point struct {
	Policy   string
	GPUHours float64
	Percent  float64 // of requests that waited too long
}

// Group is points that belong together, such as those of one cold start.
type Group struct {
	Name   string
	Points []Point
}

// Pareto draws GPU hours against the share of slow requests: down and left is better.
func Pareto(path, title string, groups []Group) error {
	p := paper(title, "GPU hours", "requests that waited > 10 s, %, logarithmic")
	p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: -1}
	p.Y.Min, p.Y.Max = leastShare, 100
	for i, g := range groups {
		points := make(plotter.XYs, len(g.Points))
		names := make([]string, len(g.Points))
		for j, point := range g.Points {
			points[j] = plotter.XY{X: point.GPUHours, Y: math.Max(leastShare, point.Percent)}
			names[j] = " " + point.Policy
		}
		dots, err := plotter.NewScatter(points)
		if err != nil {
			return err
		}
		dots.Color, dots.Shape, dots.Radius = palette[i%len(palette)], draw.CircleGlyph{}, vg.Points(3)
		words, err := plotter.NewLabels(plotter.XYLabels{XYs: points, Labels: names})
		if err != nil {
			return err
		}
		for j := range words.TextStyle {
			words.TextStyle[j].Font.Size = vg.Points(7)
		}
		p.Add(dots, words)
		p.Legend.Add(g.Name, dots)
	}
	p.X.Max *= 1.12 // room for the last name
	return p.Save(width, height, path)
}

// Series is steps over time.
type Series struct {
	Name  string
	Steps []Step
}

// Step is a value from an hour of the day on.
type Step struct{ Hour, Value float64 }

// Timeline draws series over the hours of a day.
func Timeline(path, title, unit string, series []Series) error {
	p := paper(title, "hour of the day", unit)
	p.Y.Min = 0
	for i, s := range series {
		points := make(plotter.XYs, len(s.Steps))
		for j, step := range s.Steps {
			points[j] = plotter.XY{X: step.Hour, Y: step.Value}
		}
		line, err := plotter.NewLine(points)
		if err != nil {
			return err
		}
		line.StepStyle, line.Color, line.Width = plotter.PostStep, palette[i%len(palette)], vg.Points(1.2)
		p.Add(line)
		p.Legend.Add(s.Name, line)
	}
	p.Legend.Left = true
	return p.Save(width, height, path)
}

func paper(title, x, y string) *plot.Plot {
	p := plot.New()
	p.BackgroundColor = color.White // pages may be dark
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = title, x, y
	p.Legend.Top = true
	p.Add(plotter.NewGrid())
	return p
}
