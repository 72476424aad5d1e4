// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package csi

import (
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/hoist-dev/hoist/cachenode"
)

// Options are what a [Driver] works with. Models, Mounter, NodeID, Records, PodsRoot
// and Log are required.
type Options struct {
	Models   Models
	Mounter  Mounter
	NodeID   string        // the name of the node
	Version  string        // of hoist, for people
	Records  string        // a folder of the driver's own, on a disk: what is published outlives a restart there
	PodsRoot string        // the kubelet's folder of pods, as the kubelet names it: /var/lib/kubelet/pods
	Margin   time.Duration // how long before the kubelet's deadline to say how far it is; 0 is 5 s
	Log      *slog.Logger

	Observe func(Call)  // sees each call that has ended; may be nil
	Mounted func(Claim) // is told of each mount that was not there before; may be nil

	hook func(step string) error // sees each step on the disk before it is made and may make it fail
}

// Call is one call of the kubelet's that has ended, for metrics.
type Call struct {
	Method string // NodePublishVolume
	Code   string // OK, DeadlineExceeded
	Took   time.Duration
}

const defaultMargin = 5 * time.Second

// Driver publishes volumes. See the package for what it promises.
type Driver struct {
	options Options
	log     *slog.Logger
	pods    *pods
	records *records

	mu      sync.Mutex            // of what is below
	volumes map[string]*volume    // by id: what is published
	busy    map[string]*operation // by id: what is being worked on
	targets map[target]string     // the id of the volume that has, or is about to have, it
	closed  bool
	running sync.WaitGroup // operations
}

// New opens the driver. What was published before a restart is published again: its
// lease is taken anew before New returns.
func New(o Options) (*Driver, error) {
	if o.Models == nil || o.Mounter == nil || o.NodeID == "" || o.Records == "" || o.Log == nil {
		return nil, &cachenode.Error{Kind: cachenode.ErrInvalid, Op: "start", Subject: DriverName, Err: errors.New("Models, Mounter, NodeID, Records and Log are required")}
	}
	if o.Margin <= 0 {
		o.Margin = defaultMargin
	}
	pods, err := openPods(o.PodsRoot, o.hook)
	if err != nil {
		return nil, err
	}
	records, err := openRecords(o.Records, o.hook)
	if err != nil {
		_ = pods.root.Close()
		return nil, err
	}
	d := &Driver{
		options: o, log: o.Log, pods: pods, records: records,
		volumes: map[string]*volume{}, busy: map[string]*operation{}, targets: map[target]string{},
	}
	if err := d.restore(); err != nil {
		for _, v := range d.volumes {
			d.drop(v)
		}
		d.Close()
		return nil, err
	}
	return d, nil
}

// Close ends calls that wait for a model, refuses new ones, and waits for those that
// are under way. It gives nothing back: pods go on reading, and the next New takes over.
func (d *Driver) Close() {
	d.mu.Lock()
	first := !d.closed
	d.closed = true
	for _, op := range d.busy {
		op.cancel(errStopping)
	}
	d.mu.Unlock()
	d.running.Wait()
	if first {
		_ = d.pods.root.Close()
		_ = d.records.root.Close()
	}
}

// Published is one volume that a pod has.
type Published struct {
	Claim    Claim
	Revision cachenode.Revision
	Leased   bool // false: its lease could not be resumed, and the revision may be evicted
}

// Published lists the volumes that pods have, in no order.
func (d *Driver) Published() []Published {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := make([]Published, 0, len(d.volumes))
	for _, v := range d.volumes {
		all = append(all, Published{Claim: v.claim, Revision: v.revision, Leased: v.lease.Release != nil})
	}
	return all
}
