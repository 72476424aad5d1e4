// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Package chart draws a replay's results as SVG.
package chart

import (
	"image/color"
	"math"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/hoist-dev/hoist/bench/palette"
)

const (
	width  = 18 * vg.Centimeter
	height = 9 * vg.Centimeter
)

// Point is cost and harm under one circumstance.
type Point struct {
	GPUHours float64
	Percent  float64 // of requests that waited too long
}

// Group is a policy's points, in the order of the marks: circle, triangle, square.
type Group struct {
	Name   string
	Points []Point
}

// marks tell circumstances apart; one that lies on another can be seen.
var marks = []draw.GlyphDrawer{draw.RingGlyph{}, draw.TriangleGlyph{}, draw.SquareGlyph{}}

// Pareto draws GPU hours against the share of slow requests: down and left is better.
func Pareto(path, title string, groups []Group) error {
	p := paper(title, "GPU hours", "% waited > 10 s")
	p.Y.Min = 0
	for i, g := range groups {
		points := make(plotter.XYs, len(g.Points))
		for j, point := range g.Points {
			points[j] = plotter.XY{X: point.GPUHours, Y: point.Percent}
		}
		dots, err := plotter.NewScatter(points)
		if err != nil {
			return err
		}
		size := vg.Points(float64(3 + len(groups) - i)) // the first ones are larger, so that none hides another
		dots.GlyphStyleFunc = func(j int) draw.GlyphStyle {
			return draw.GlyphStyle{Color: palette.Color(i), Shape: marks[j%len(marks)], Radius: size}
		}
		dots.GlyphStyle = dots.GlyphStyleFunc(0)
		p.Add(dots)
		p.Legend.Add(g.Name, dots)
	}
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
		line.StepStyle, line.Color, line.Width = plotter.PostStep, palette.Color(i), vg.Points(1.2)
		p.Add(line)
		p.Legend.Add(s.Name, line)
	}
	p.Legend.Left = true
	p.Y.Max *= 1.25 // room for the legend
	p.X.Tick.Marker = plot.TickerFunc(hours)
	return p.Save(width, height, path)
}

func hours(from, to float64) (ticks []plot.Tick) {
	for h := math.Ceil(from); h <= to; h++ {
		ticks = append(ticks, plot.Tick{Value: h, Label: strconv.Itoa(int(h)) + ":00"})
	}
	return ticks
}

func paper(title, x, y string) *plot.Plot {
	p := plot.New()
	p.BackgroundColor = color.White // pages may be dark
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = title, x, y
	p.Legend.Top = true
	p.Add(plotter.NewGrid())
	return p
}
