// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/spf13/pflag"

	"github.com/hoist-dev/hoist/scaler"
	"github.com/hoist-dev/hoist/scaler/queue"
	"github.com/hoist-dev/hoist/scaler/scaledobject"
)

// prometheusOptions say where Prometheus is, and who asks it.
type prometheusOptions struct {
	address   string
	folder    string
	headers   map[string]string
	keda      string
	kedaModes string
}

func (o *prometheusOptions) addFlags(flags *pflag.FlagSet) {
	flags.StringVar(&o.address, "prometheus-address", "", "address of Prometheus for ScalePolicies that name none, such as http://prometheus-operated.monitoring.svc:9090")
	flags.StringVar(&o.folder, "prometheus-identity", "", "folder with any of token, username and password, ca.crt, tls.crt and tls.key, for a Prometheus that asks who it is; read anew when they change")
	flags.StringToStringVar(&o.headers, "prometheus-header", nil, "header of each query as `NAME=VALUE`, such as X-Scope-OrgID=team-a; may be given again")
	flags.StringVar(&o.keda, "prometheus-trigger-authentication", "", "who KEDA is there for ScalePolicies that do not say, as ClusterTriggerAuthentication/NAME or TriggerAuthentication/NAME")
	flags.StringVar(&o.kedaModes, "prometheus-auth-modes", "", "authModes of that, such as bearer: KEDA ignores all of it without")
}

// Values that KEDA takes apart at commas, equal signs and percent signs must have none.
var (
	authModes   = regexp.MustCompile(`^(bearer|basic|tls|custom)(,(bearer|basic|tls|custom))*$`)
	headerName  = regexp.MustCompile(`^[A-Za-z0-9-]+$`)
	headerValue = regexp.MustCompile(`^[A-Za-z0-9._:/|@-]+$`)
)

// ours is what the scaler is told. An identity that can't be read is no error here: it is mended while the controller runs.
func (o *prometheusOptions) ours() (scaler.Ours, error) {
	if (o.folder != "" || o.keda != "" || len(o.headers) > 0) && o.address == "" {
		return scaler.Ours{}, errors.New("--prometheus-identity, --prometheus-header and --prometheus-trigger-authentication need --prometheus-address")
	}
	for header, value := range o.headers {
		if !headerName.MatchString(header) || !headerValue.MatchString(value) {
			return scaler.Ours{}, fmt.Errorf("--prometheus-header %s: want NAME=VALUE, of letters, digits and ._:/|@-", header)
		}
	}
	identity, err := o.identity()
	return scaler.Ours{Address: o.address, Identity: queue.Identity{Folder: o.folder, Headers: o.headers}, KEDA: identity}, err
}

// identity is KEDA's.
func (o *prometheusOptions) identity() (scaledobject.Identity, error) {
	if o.keda == "" && o.kedaModes == "" {
		return scaledobject.Identity{Headers: o.headers}, nil
	}
	kind, name, _ := strings.Cut(o.keda, "/")
	if name == "" || kind != "ClusterTriggerAuthentication" && kind != "TriggerAuthentication" {
		return scaledobject.Identity{}, fmt.Errorf("--prometheus-trigger-authentication %q: want ClusterTriggerAuthentication/NAME or TriggerAuthentication/NAME", o.keda)
	}
	if !authModes.MatchString(o.kedaModes) {
		return scaledobject.Identity{}, fmt.Errorf("--prometheus-auth-modes %q: want bearer, basic, tls or custom, several with commas", o.kedaModes)
	}
	return scaledobject.Identity{Kind: kind, Name: name, Modes: o.kedaModes, Headers: o.headers}, nil
}
