// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package s3

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/hoist-dev/hoist/cachenode/source/netguard"
)

// defaultConnections keeps as many connections alive as a 100 Gbps node uses, at
// the 85-90 MB/s that S3 gives each.
const defaultConnections = 128

// transport derives the transport for objects from the one that the SDK would use,
// which holds the certificates and the proxy of the environment. There is no limit on
// the time of an answer as a whole: large objects take long, and who reads them
// watches progress.
func (c Config) transport(standard s3.HTTPClient, endpoint string) (*http.Transport, error) {
	buildable, ok := standard.(*awshttp.BuildableClient)
	if !ok {
		return nil, invalid("use", "the HTTP client of the AWS configuration", fmt.Errorf("%T has no transport", standard), "")
	}
	t := buildable.GetTransport()
	dialer := &netguard.Dialer{Policy: policy(t, endpoint), Timeout: 5 * time.Second}
	t.DialContext = dialer.DialContext
	t.TLSHandshakeTimeout = 10 * time.Second
	t.ResponseHeaderTimeout = 30 * time.Second
	t.MaxIdleConns = 0
	t.MaxIdleConnsPerHost = cmp.Or(c.MaxConnections, defaultConnections)
	t.MaxConnsPerHost = 0 // fetch counts its streams
	t.DisableCompression = true
	// One connection for each stream: HTTP/2 would put all of them into one TCP flow.
	// The SDK's transport offers both to TLS by now.
	t.ForceAttemptHTTP2 = false
	t.TLSClientConfig.NextProtos = nil
	t.Protocols = new(http.Protocols)
	t.Protocols.SetHTTP1(true)
	return t, nil
}

// policy allows private addresses, where VPC endpoints are, and loopback for
// whoever asked for it: an endpoint of the operator's own, or a proxy.
func policy(t *http.Transport, endpoint string) netguard.Policy {
	return netguard.Policy{Loopback: endpoint != "" || proxied(t), Private: true}
}

func proxied(t *http.Transport) bool {
	if t.Proxy == nil {
		return false
	}
	via, err := t.Proxy(&http.Request{URL: &url.URL{Scheme: "https", Host: "s3.amazonaws.com"}})
	return err == nil && via != nil
}

// direct sends a request and returns its answer, whatever it is: redirects are not
// followed, so no signed request ever goes to a host that a server names.
type direct struct{ transport *http.Transport }

func (d direct) Do(r *http.Request) (*http.Response, error) {
	return d.transport.RoundTrip(r) //nolint:wrapcheck // errors.go classifies it
}
