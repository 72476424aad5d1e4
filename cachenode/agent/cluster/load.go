// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hoist-dev/hoist/api/inference"
	"github.com/hoist-dev/hoist/cachenode/csi"
)

// How long a load may take, and how soon it is asked for again: it was refused, as by a server that does not listen yet, or was
// granted, and the weights are not there.
const (
	loadPatience = 30 * time.Minute
	loadAgain    = 5 * time.Second
)

// loads asks servers that load a model when they are asked for it: a pod that is not Ready is asked by nobody else.
type loads struct {
	client *http.Client
	mu     sync.Mutex
	pods   map[string]*load // by UID
	asking sync.WaitGroup
}

// load is one pod's.
type load struct {
	address string // the pod's IP; "" is not known yet
	asking  bool
	asked   time.Time // when the last one ended
	failed  error
}

func newLoads() *loads {
	return &loads{pods: map[string]*load{}, client: &http.Client{
		Transport:     &http.Transport{DialContext: (&net.Dialer{Timeout: 5 * time.Second}).DialContext, DisableKeepAlives: true}, // no proxy: it is a pod of this node
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

func (l *loads) of(uid string) *load {
	one := l.pods[uid]
	if one == nil {
		one = &load{}
		l.pods[uid] = one
	}
	return one
}

// errHostNetwork is why a pod is not asked: it would be the node that is.
var errHostNetwork = errors.New("it is on the network of its node, where it is not asked to load: set hoist.dev/readiness: HTTP")

// located notes where a pod is.
func (l *loads) located(uid, address string, hostNetwork bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	one := l.of(uid)
	if hostNetwork {
		one.failed = errHostNetwork
		return
	}
	one.address = address
}

// lacksAddress reports whether a pod can't be asked yet.
func (l *loads) lacksAddress(c csi.Claim) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c.Gate.Load.Model == "" {
		return false
	}
	one := l.of(c.Pod.UID)
	return one.address == "" && one.failed == nil
}

// forget drops the pods that are gone.
func (l *loads) forget(gone func(uid string) bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for uid, one := range l.pods {
		if gone(uid) && !one.asking {
			delete(l.pods, uid)
		}
	}
}

// want has a pod's server asked, if it has to be and is not being asked, and gives why the last time failed.
func (l *loads) want(ctx context.Context, c csi.Claim) error {
	path, body, ok := inference.LoadRequest(inference.Kind(c.Gate.Load.Server), c.Gate.Load.Model)
	if !ok {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	one := l.of(c.Pod.UID)
	if one.address == "" || one.asking || time.Since(one.asked) < loadAgain {
		return one.failed
	}
	one.asking = true
	to := "http://" + net.JoinHostPort(one.address, strconv.FormatInt(c.Gate.Load.Port, 10)) + path
	l.asking.Go(func() {
		err := l.ask(ctx, to, body)
		l.mu.Lock()
		defer l.mu.Unlock()
		one.asking, one.asked, one.failed = false, time.Now(), nil
		if err != nil {
			one.failed = fmt.Errorf("%s does not load %s: %w", c.Gate.Load.Server, c.Gate.Load.Model, err)
		}
	})
	return one.failed
}

// ask posts body to a pod and waits until it has answered.
func (l *loads) ask(ctx context.Context, to string, body []byte) error {
	ctx, cancel := context.WithTimeout(ctx, loadPatience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	answer, err := l.client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode == http.StatusOK {
		_, err := io.Copy(io.Discard, answer.Body) // it is loaded when the answer ends
		return err
	}
	const most = 200 // of what a pod says, and it may say anything
	said, _ := io.ReadAll(io.LimitReader(answer.Body, most))
	return fmt.Errorf("%s: %s", answer.Status, strings.Map(printable, string(said)))
}

func printable(r rune) rune {
	if r < ' ' || r > '~' {
		return ' '
	}
	return r
}
