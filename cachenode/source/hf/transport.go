// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package hf

import (
	"cmp"
	"net/http"
	"net/url"
	"time"

	"github.com/hoist-dev/hoist/cachenode/source/netguard"
)

// defaultConnections is what a fast node has open at a time.
const defaultConnections = 128

// transport has the proxies of the environment, and no limit on the time of an answer as
// a whole: large files take long, and who reads them watches progress. One connection
// for each stream: HTTP/2 would put all of them into one TCP flow.
func (c Config) transport(endpoint *url.URL) *http.Transport {
	t := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		TLSHandshakeTimeout:   10 * time.Second,
		ResponseHeaderTimeout: 30 * time.Second,
		IdleConnTimeout:       90 * time.Second,
		MaxIdleConnsPerHost:   cmp.Or(c.MaxConnections, defaultConnections),
		DisableCompression:    true,
		Protocols:             new(http.Protocols),
	}
	t.Protocols.SetHTTP1(true)
	via, err := t.Proxy(&http.Request{URL: endpoint})
	own := c.Endpoint != "" || err == nil && via != nil
	dialer := &netguard.Dialer{Policy: netguard.Policy{Loopback: own, Private: true}, Timeout: 5 * time.Second}
	t.DialContext = dialer.DialContext
	return t
}
