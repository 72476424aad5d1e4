// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

//go:build !nojuicefs && (cgo || (nogspt && nosqlite))

package juicefs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"sync"
	"time"

	"github.com/juicedata/juicefs/pkg/meta"
	"github.com/juicedata/juicefs/pkg/object"
	"github.com/juicedata/juicefs/pkg/utils"
	"github.com/redis/go-redis/v9"
	"github.com/sirupsen/logrus"

	"github.com/hoist-dev/hoist/cachenode/source/netguard"
)

// library is what the JuiceFS library keeps for the whole process: a logger that ends
// the process when a metadata server can't be reached, and the client of all object
// stores.
var library struct {
	connecting sync.Mutex // one at a time, so that the last words are those of the one that failed

	mu        sync.Mutex
	tamed     bool
	last      string // what the logger said when it would have ended the process
	abandoned int    // connections that nobody waits for: the last words may be theirs
}

// patience is the most that a metadata server may take to answer.
const patience = 30 * time.Second

// tame makes the library fit for a process that has other work. The dialer's policy is
// that of the first caller: a process works for itself, or for others.
func tame(local bool) {
	library.mu.Lock()
	defer library.mu.Unlock()
	if library.tamed {
		return
	}
	library.tamed = true
	redis.SetLogger(silent{})
	logger := utils.GetLogger("juicefs")
	logger.SetOutput(io.Discard)
	logger.AddHook(lastWords{})
	logger.ExitFunc = func(int) { runtime.Goexit() } // connect notices
	if transport, ok := object.GetHttpClient().Transport.(*http.Transport); ok {
		transport.DialContext = (&netguard.Dialer{Policy: netguard.Policy{Loopback: local, Private: true}}).DialContext
	}
}

// lastWords remembers why the library would have ended the process.
type lastWords struct{}

func (lastWords) Levels() []logrus.Level { return []logrus.Level{logrus.FatalLevel} }

func (lastWords) Fire(e *logrus.Entry) error {
	library.mu.Lock()
	defer library.mu.Unlock()
	library.last = e.Message
	return nil
}

// connected is a client of the metadata and what the metadata says of the volume, or
// why there is none.
type connected struct {
	client meta.Meta
	format *meta.Format
	err    error
}

// connect makes a client of the metadata, and asks it for the volume's format. The library has no other way to fail than to
// end the process; here it ends the goroutine that asked. One that hangs is left behind,
// and ended when it does not hang any more.
func connect(ctx context.Context, c Config) (meta.Meta, *meta.Format, error) {
	tame(c.Local)
	library.connecting.Lock()
	defer library.connecting.Unlock()
	done := make(chan connected, 1)
	go dial(c, done)
	timer := time.NewTimer(patience)
	defer timer.Stop()
	var err error
	select {
	case r := <-done:
		return r.client, r.format, r.err
	case <-ctx.Done():
		err = context.Cause(ctx)
	case <-timer.C:
		err = fmt.Errorf("no answer within %v", patience)
	}
	library.mu.Lock()
	library.abandoned++
	library.mu.Unlock()
	go func() {
		if r := <-done; r.client != nil {
			_ = r.client.Shutdown() // nobody wants it any more
		}
		library.mu.Lock()
		library.abandoned--
		library.mu.Unlock()
	}()
	return nil, nil, err
}

// dial asks the library.
func dial(c Config, done chan<- connected) {
	var r connected
	defer func() {
		if r.client == nil {
			r.err = lastWord()
		} else if r.err != nil {
			_ = r.client.Shutdown() // its error is not the reason
			r.client = nil
		}
		done <- r
	}()
	r.client = meta.NewClient(c.MetaURL, &meta.Config{Retries: 3, ReadOnly: true, NoBGJob: true, AtimeMode: meta.NoAtime})
	r.format, r.err = r.client.Load(true)
}

// lastWord is why the library would have ended the process.
func lastWord() error {
	library.mu.Lock()
	defer library.mu.Unlock()
	if library.abandoned > 0 {
		return errors.New("it does not answer")
	}
	return errors.New(library.last)
}

// silent is a logger of the Redis client, which has one of its own.
type silent struct{}

func (silent) Printf(context.Context, string, ...any) {}
