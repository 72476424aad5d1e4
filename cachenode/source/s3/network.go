// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package s3

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/hoist-dev/hoist/cachenode"
	"github.com/hoist-dev/hoist/cachenode/source/ranged"
)

const (
	hintCA      = "name the certificates to trust with AWS_CA_BUNDLE, or check the endpoint's name"
	hintDNS     = "check the endpoint and the region"
	hintNoLogin = "give credentials by AWS_PROFILE, AWS_ACCESS_KEY_ID or a role, or use --anonymous for a public bucket"
)

// unanswered judges a failure without an answer of the server, and returns the part
// of it that is fit for a log.
func unanswered(err error) (verdict, error) {
	if login, ok := errors.AsType[*credentialsError](err); ok {
		return noLogin(login.err)
	}
	if sent, ok := errors.AsType[*smithyhttp.RequestSendError](err); ok {
		return network(sent.Err), sent.Err
	}
	if bad, ok := errors.AsType[*smithy.DeserializationError](err); ok {
		return verdict{cachenode.ErrUnavailable, "is the endpoint an S3 service?"}, bad.Err
	}
	// The SDK refused before it sent anything: the endpoint, the region or the name.
	if op, ok := errors.AsType[*smithy.OperationError](err); ok {
		err = op.Err
	}
	return verdict{cachenode.ErrInvalid, "check the endpoint, the region and the bucket"}, err
}

// network judges a failure to send a request or to receive the head of its answer.
func network(err error) verdict {
	if untrusted(err) {
		return verdict{cachenode.ErrTLS, hintCA}
	}
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return verdict{cachenode.ErrUnavailable, hintDNS}
	}
	return verdict{cachenode.ErrUnavailable, ""}
}

func untrusted(err error) bool {
	var (
		verification *tls.CertificateVerificationError
		record       tls.RecordHeaderError
		alert        *net.OpError
		authority    x509.UnknownAuthorityError
	)
	return errors.As(err, &verification) || errors.As(err, &record) || errors.As(err, &authority) ||
		// crypto/tls reports an alert as the "operation" of a network error.
		errors.As(err, &alert) && (alert.Op == "remote error" || alert.Op == "local error")
}

// noLogin judges a failure of the credential chain. The instance metadata service is
// the last link of the chain: when it is not there, nothing is.
func noLogin(err error) (verdict, error) {
	op, called := errors.AsType[*smithy.OperationError](err)
	if metadata := called && op.ServiceID == "ec2imds"; metadata && statusOf(err) < http.StatusInternalServerError {
		return verdict{cachenode.ErrDenied, hintNoLogin}, errors.New("no credentials found")
	}
	v := verdict{cachenode.ErrDenied, hintNoLogin}
	if status := statusOf(err); status >= http.StatusInternalServerError || status == http.StatusTooManyRequests {
		v = byStatus(status)
	} else if sent, ok := errors.AsType[*smithyhttp.RequestSendError](err); ok {
		v = network(sent.Err)
	} else if api, ok := errors.AsType[smithy.APIError](err); ok && byCode[api.ErrorCode()].kind == cachenode.ErrExpired { //nolint:errorlint // a table's value
		v = byCode[api.ErrorCode()]
	}
	return v, errors.New("get credentials: " + ranged.Clean(err.Error(), 300))
}

// statusOf is the HTTP status that a service of the credential chain answered, or 0.
func statusOf(err error) int {
	if a, ok := errors.AsType[interface {
		error
		HTTPStatusCode() int
	}](err); ok {
		return a.HTTPStatusCode()
	}
	return 0
}
