// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package s3

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/hoist-dev/hoist/cachenode/source/ranged"
)

// answer is what a server said when it refused, as far as it is fit for a log.
type answer struct {
	status    int
	code      string        // "AccessDenied"; "" after HEAD
	message   string        // without credentials
	requestID string        // what support asks for
	region    string        // where the bucket is, if the server says so
	after     time.Duration // Retry-After
}

func (a *answer) Error() string {
	var b strings.Builder
	b.WriteString(cmp.Or(a.code, http.StatusText(a.status)))
	if a.message != "" && a.message != a.code {
		b.WriteString(": " + a.message)
	}
	fmt.Fprintf(&b, " [HTTP %d", a.status)
	if a.requestID != "" {
		b.WriteString(", request " + a.requestID)
	}
	b.WriteString("]")
	return b.String()
}

// answerIn extracts the server's answer from an error of the SDK.
func answerIn(err error) (*answer, bool) {
	failed, ok := errors.AsType[*smithyhttp.ResponseError](err)
	if !ok || failed.Response == nil || failed.Response.Response == nil || failed.Response.StatusCode == 0 {
		return nil, false
	}
	response := failed.Response.Response
	a := &answer{
		status:    response.StatusCode,
		requestID: ranged.Clean(response.Header.Get("X-Amz-Request-Id"), 64),
		after:     ranged.RetryAfter(response.Header.Get("Retry-After"), time.Now()),
	}
	if region := response.Header.Get("X-Amz-Bucket-Region"); regionName.MatchString(region) {
		a.region = region
	}
	if said, ok := errors.AsType[smithy.APIError](err); ok && !invented(said, response.StatusCode) {
		a.code = ranged.Clean(said.ErrorCode(), 64)
		a.message = ranged.Clean(withoutSecrets(said.ErrorMessage(), response.Request), 300)
	}
	return a, true
}

// regionName keeps a server from steering requests to a host of its choice.
var regionName = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+){1,4}$`)

// invented reports whether the SDK made the code up from the status, as it does when
// an answer has no body: "NotFound" and "Forbidden" are no codes of S3.
func invented(said smithy.APIError, status int) bool {
	text := http.StatusText(status)
	made := strings.ReplaceAll(text, " ", "")
	message := said.ErrorMessage()
	return said.ErrorCode() == "UnknownError" || said.ErrorCode() == made && (message == "" || message == made || message == text)
}

// withoutSecrets removes what a server echoes of a request's credentials.
func withoutSecrets(message string, r *http.Request) string {
	if r == nil {
		return message
	}
	for _, secret := range []string{r.Header.Get("X-Amz-Security-Token"), r.Header.Get("Authorization")} {
		if secret != "" {
			message = strings.ReplaceAll(message, secret, "[removed]")
		}
	}
	return signature.ReplaceAllString(message, "$1=[removed]")
}

// signature matches the parts of a signed header or URL that stand for a credential.
var signature = regexp.MustCompile(`(?i)\b(Credential|Signature|X-Amz-Security-Token|X-Amz-Credential|X-Amz-Signature)=[^\s,&]+`)
