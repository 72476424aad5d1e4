// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package origin

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// Road is what lies between a client and a distant origin.
type Road struct {
	Latency    time.Duration // before each answer
	Connection int64         // bytes a second that one connection gets; 0 is no limit
}

// road is a proxy that counts, delays and limits. The server behind it checks every request: what the client signed stays.
type road struct {
	endpoint string
	bytes    atomic.Int64
	server   *http.Server
	served   chan struct{}
}

func build(ctx context.Context, shape Road, to, host string) (*road, error) {
	target, err := url.Parse(to)
	if err != nil {
		return nil, err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return nil, err
	}
	r := &road{endpoint: "http://" + listener.Addr().String(), served: make(chan struct{})}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost, transport.DisableCompression = 256, true
	proxy := &httputil.ReverseProxy{
		Transport:    transport,
		Rewrite:      func(p *httputil.ProxyRequest) { p.SetURL(target); p.Out.Host = p.In.Host },
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) {}, // the client has gone
		BufferPool:   buffers{},
	}
	r.server = &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		timer := time.NewTimer(shape.Latency)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-q.Context().Done():
			return
		}
		proxy.ServeHTTP(w, q)
	})}
	go func() {
		defer close(r.served)
		_ = r.server.Serve(counting{listener, shape.Connection, &r.bytes})
	}()
	return r, nil
}

func (r *road) close() {
	_ = r.server.Close()
	<-r.served
}

// counting counts what its connections send, and limits each.
type counting struct {
	net.Listener
	rate  int64
	bytes *atomic.Int64
}

// burst is how far a connection may be ahead of its rate, in bytes.
const burst = 256 << 10

func (l counting) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &lane{Conn: conn, bytes: l.bytes}
	if l.rate > 0 {
		c.limit = rate.NewLimiter(rate.Limit(l.rate), burst)
		c.ctx, c.cancel = context.WithCancel(context.Background()) //nolint:forbidigo // lives as long as the connection
	}
	return c, nil
}

type lane struct {
	net.Conn
	bytes  *atomic.Int64
	limit  *rate.Limiter
	ctx    context.Context //nolint:containedctx // ends a wait when the connection closes
	cancel context.CancelFunc
}

func (c *lane) Write(p []byte) (sent int, err error) {
	for len(p) > 0 {
		part := p[:min(burst, len(p))]
		if c.limit != nil {
			if err := c.limit.WaitN(c.ctx, len(part)); err != nil {
				return sent, errors.Join(net.ErrClosed, err)
			}
		}
		n, err := c.Conn.Write(part)
		c.bytes.Add(int64(n))
		sent += n
		if err != nil {
			return sent, err
		}
		p = p[n:]
	}
	return sent, nil
}

// ReadFrom has answers come in slices that can be counted and limited.
func (c *lane) ReadFrom(r io.Reader) (int64, error) {
	buf := buffers{}.Get()
	defer buffers{}.Put(buf)
	return io.CopyBuffer(struct{ io.Writer }{c}, struct{ io.Reader }{r}, buf)
}

func (c *lane) Close() error {
	if c.cancel != nil {
		c.cancel()
	}
	return c.Conn.Close()
}
