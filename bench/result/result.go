// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package result

import "time"

// Version is of the form that results have on disk. It rises when a reader of the last one would be misled.
const Version = 1

// Result is one benchmark, whole.
type Result struct {
	Version   int        `json:"version"`
	Kind      Kind       `json:"kind"`
	Made      time.Time  `json:"made"`
	Command   string     `json:"command"` // repeats it
	Hoist     string     `json:"hoist"`   // version
	Machine   Machine    `json:"machine"`
	Model     Model      `json:"model"`
	Settings  []Setting  `json:"settings,omitempty"` // what else must be known to repeat it, in the order that a reader wants
	Scenarios []Scenario `json:"scenarios"`
	NotRun    []NotRun   `json:"notRun,omitempty"`
	Notes     []string   `json:"notes,omitempty"` // sentences that a reader must not miss
}

// Kind is where a benchmark ran.
type Kind string

// A benchmark runs on one machine, or on a cluster.
const (
	Local   Kind = "local"
	Cluster Kind = "cluster"
)

// Machine is what it ran on; of a cluster, one of its nodes.
type Machine struct {
	CPU    string `json:"cpu,omitempty"`
	Cores  int    `json:"cores,omitempty"`
	Memory int64  `json:"memoryBytes,omitempty"`
	Kernel string `json:"kernel,omitempty"`
	Disk   string `json:"disk,omitempty"` // file system, and what is known below it
	GPU    string `json:"gpu,omitempty"`
	Nodes  int    `json:"nodes,omitempty"`
}

// Model is what was loaded.
type Model struct {
	Name      string `json:"name"`
	Bytes     int64  `json:"bytes"`
	Files     int    `json:"files,omitempty"`
	Synthetic bool   `json:"synthetic,omitempty"` // sizes are real, contents are not
}

// Setting is one thing that was chosen, in words.
type Setting struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Scenario is one way to come by the weights, and its runs.
type Scenario struct {
	Name     string   `json:"name"`               // "storage initializer"
	What     string   `json:"what"`               // a sentence
	Command  []string `json:"command,omitempty"`  // of a tool that is compared with: what was run
	Tool     string   `json:"tool,omitempty"`     // its name and version
	Baseline bool     `json:"baseline,omitempty"` // others are given as ratios of this one
	Runs     []Run    `json:"runs"`
}

// Run is one cold start. Its phases follow one another without gaps, so they add up to Seconds.
type Run struct {
	Seconds float64   `json:"seconds"` // from wanted to the first answer
	Phases  []Phase   `json:"phases"`
	Proof   []Proof   `json:"proof,omitempty"`
	Started time.Time `json:"started"`
}

// Phase is a part of a run.
type Phase struct {
	Name    string  `json:"name"`
	Seconds float64 `json:"seconds"`
	Bytes   int64   `json:"bytes,omitempty"` // that came in it
	Hoist   bool    `json:"hoist,omitempty"` // Hoist itself adds it: webhook, mount, gate
}

// Proof is a measured fact that shows a scenario's state to be what it claims: bytes that the origin sent, bytes in the page cache.
type Proof struct {
	Name string `json:"name"` // "origin bytes"
	Got  int64  `json:"got"`
	Want string `json:"want"` // "0", ">= 1073741824"
	OK   bool   `json:"ok"`
}

// NotRun is something that was left out, and why.
type NotRun struct {
	Name   string `json:"name"`
	Reason string `json:"reason"`
}
