// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package s3

import (
	"bytes"
	"cmp"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	static "github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/logging"

	"github.com/hoist-dev/hoist/cachenode"
)

// Config is what a person can say about an S3 endpoint. The zero value follows the
// AWS environment: AWS_ENDPOINT_URL_S3, AWS_REGION, AWS_CA_BUNDLE, profiles, and the
// credential chain (static keys, web identity, containers, instance metadata).
type Config struct {
	Scheme         string       // of the URIs that it reads; "" is s3. Other stores speak the protocol, too
	Endpoint       string       // "https://host[:port]"; "" is the environment's, else AWS itself
	Region         string       // "" is the environment's, else us-east-1 until the bucket tells its own
	PathStyle      *bool        // nil is path style with an endpoint of one's own, host style with AWS
	Profile        string       // "" is AWS_PROFILE, else "default"
	Anonymous      bool         // do not sign requests: public buckets
	Keys           *Keys        // sign with these, and with nothing that the environment has
	CAFile         string       // PEM certificates to trust instead of the system's; "" is AWS_CA_BUNDLE
	MaxConnections int          // idle connections kept for each host; 0 is 128
	Logger         *slog.Logger // nil discards
}

// Keys are an access key and its secret.
type Keys struct{ AccessKeyID, SecretAccessKey, SessionToken string }

// String keeps the secret out of logs.
func (Keys) String() string { return "(credentials)" }

// GoString keeps the secret out of logs.
func (Keys) GoString() string { return "(credentials)" }

const defaultRegion = "us-east-1"

func (c Config) loadOptions() ([]func(*config.LoadOptions) error, error) {
	options := []func(*config.LoadOptions) error{
		config.WithDefaultRegion(defaultRegion),
		config.WithLogger(sdkLogger{c.logger()}),
		config.WithClientLogMode(0),
	}
	if c.Region != "" {
		options = append(options, config.WithRegion(c.Region))
	}
	if c.Endpoint != "" {
		options = append(options, config.WithBaseEndpoint(c.Endpoint))
	}
	if c.Profile != "" {
		options = append(options, config.WithSharedConfigProfile(c.Profile))
	}
	if c.Anonymous {
		options = append(options, config.WithCredentialsProvider(aws.AnonymousCredentials{}))
	}
	if k := c.Keys; k != nil {
		options = append(options, config.WithCredentialsProvider(static.NewStaticCredentialsProvider(k.AccessKeyID, k.SecretAccessKey, k.SessionToken)))
	}
	if c.CAFile != "" {
		pem, err := os.ReadFile(c.CAFile)
		if err != nil {
			return nil, invalid("read", "the CA file", err, "")
		}
		options = append(options, config.WithCustomCABundle(bytes.NewReader(pem)))
	}
	return options, nil
}

// configure sets what a Source does differently from a plain client: it has its own
// transport, leaves retries to those who know more, and validates nothing in the
// stream, where ranges have no checksum anyway.
func (s *Source) configure(o *s3.Options) {
	o.AppID = cmp.Or(o.AppID, "hoist")
	o.HTTPClient = direct{s.transport}
	o.Retryer = aws.NopRetryer{}
	o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
	o.DisableLogOutputChecksumValidationSkipped = true
	// A clock that is wrong breaks TLS and leases too: say so instead of working around it.
	o.DisableClockSkewCorrection = true
	if s.login != nil {
		o.Credentials = s.login
	}
}

func (c Config) pathStyle(endpoint string) func(*s3.Options) {
	return func(o *s3.Options) {
		o.UsePathStyle = endpoint != ""
		if c.PathStyle != nil {
			o.UsePathStyle = *c.PathStyle
		}
	}
}

func (c Config) logger() *slog.Logger { return cmp.Or(c.Logger, slog.New(slog.DiscardHandler)) }

// originEndpoint is the canonical form of a configured endpoint, "" if there is none.
func originEndpoint(base *string) (string, error) {
	if aws.ToString(base) == "" {
		return "", nil
	}
	u, err := url.Parse(*base)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return "", invalidEndpoint("not a URL with http or https")
	case u.User != nil:
		return "", invalidEndpoint("credentials in the endpoint")
	case u.RawQuery != "" || u.Fragment != "":
		return "", invalidEndpoint("a query or fragment in the endpoint")
	}
	return u.Scheme + "://" + strings.ToLower(u.Host) + strings.TrimSuffix(u.EscapedPath(), "/"), nil
}

// invalidEndpoint does not repeat the endpoint: it may hold a credential.
func invalidEndpoint(why string) error {
	return invalid("use", "the S3 endpoint", fmt.Errorf("%s", why), "write it as https://host[:port]")
}

func invalid(op, subject string, err error, hint string) error {
	return &cachenode.Error{Kind: cachenode.ErrInvalid, Op: op, Subject: subject, Err: err, Hint: hint}
}

// sdkLogger takes what the SDK has to say, which with request logging off is little.
type sdkLogger struct{ log *slog.Logger }

func (l sdkLogger) Logf(_ logging.Classification, format string, v ...any) {
	l.log.Debug("aws sdk", "says", fmt.Sprintf(format, v...))
}
