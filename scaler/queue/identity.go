// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package queue

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/prometheus/client_golang/api"
	promv1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/config"
)

// Identity is who asks a Prometheus that wants to know.
type Identity struct {
	// Folder has any of these files, and is "" where none is needed: token, or username and password; ca.crt, which then is all that is trusted;
	// tls.crt and tls.key. They are read anew when they change.
	Folder string
	// Headers go along with each request, such as X-Scope-OrgID. They are no secret.
	Headers map[string]string
}

// Files of an identity's folder.
const (
	tokenFile       = "token"
	usernameFile    = "username"
	passwordFile    = "password"
	caFile          = "ca.crt"
	certificateFile = "tls.crt"
	keyFile         = "tls.key"
)

// Identified connects to an address as somebody. It sends nothing yet. Which files there are is looked at once, what is in them at each request.
func Identified(address string, who Identity) (*Prometheus, error) {
	if who.Folder == "" && len(who.Headers) == 0 {
		return New(address)
	}
	said, err := who.config()
	if err != nil {
		return nil, fmt.Errorf("prometheus at %q: %w", address, err)
	}
	transport, err := config.NewRoundTripperFromConfig(*said, "prometheus")
	if err != nil {
		return nil, fmt.Errorf("prometheus at %q: %w", address, err)
	}
	client, err := api.NewClient(api.Config{Address: address, Client: &http.Client{Transport: bounded{transport}, CheckRedirect: staysThere}})
	if err != nil {
		return nil, fmt.Errorf("prometheus at %q: %w", address, err)
	}
	return &Prometheus{promv1.NewAPI(client), who}, nil
}

// staysThere keeps what says who asks from going to whom a server sends it, and from going there in the clear.
func staysThere(next *http.Request, before []*http.Request) error {
	const most = 10
	first := before[0].URL
	if len(before) >= most || next.URL.Scheme != first.Scheme || next.URL.Host != first.Host {
		return fmt.Errorf("it sends on to %s: name that address, if it is the right one", (&url.URL{Scheme: next.URL.Scheme, Host: next.URL.Host}).String())
	}
	return nil
}

// config is the identity as Prometheus's own library reads it.
func (i Identity) config() (*config.HTTPClientConfig, error) {
	said := &config.HTTPClientConfig{FollowRedirects: true, EnableHTTP2: true, ProxyConfig: config.ProxyConfig{ProxyFromEnvironment: true}}
	for name, value := range i.Headers {
		if said.HTTPHeaders == nil {
			said.HTTPHeaders = &config.Headers{Headers: map[string]config.Header{}}
		}
		said.HTTPHeaders.Headers[name] = config.Header{Values: []string{value}}
	}
	has, err := i.files()
	if err != nil {
		return nil, err
	}
	switch {
	case has[tokenFile] != "" && has[usernameFile] != "":
		return nil, fmt.Errorf("%s has a %s and a %s: it takes one of them", i.Folder, tokenFile, usernameFile)
	case (has[usernameFile] == "") != (has[passwordFile] == ""):
		return nil, fmt.Errorf("%s has one of %s and %s: it takes both", i.Folder, usernameFile, passwordFile)
	case has[tokenFile] != "":
		said.Authorization = &config.Authorization{Type: "Bearer", CredentialsFile: has[tokenFile]}
	case has[usernameFile] != "":
		said.BasicAuth = &config.BasicAuth{UsernameFile: has[usernameFile], PasswordFile: has[passwordFile]}
	}
	said.TLSConfig = config.TLSConfig{CAFile: has[caFile], CertFile: has[certificateFile], KeyFile: has[keyFile]}
	return said, errors.Join(said.Validate(), said.TLSConfig.Validate())
}

// files are the paths of those that there are.
func (i Identity) files() (map[string]string, error) {
	has := map[string]string{}
	if i.Folder == "" {
		return has, nil
	}
	for _, name := range []string{tokenFile, usernameFile, passwordFile, caFile, certificateFile, keyFile} {
		path := filepath.Join(i.Folder, name)
		switch _, err := os.Stat(path); {
		case err == nil:
			has[name] = path
		case !errors.Is(err, fs.ErrNotExist):
			return nil, err
		}
	}
	if len(has) == 0 {
		return nil, fmt.Errorf("%s has none of %s, %s and %s, %s, %s and %s", i.Folder, tokenFile, usernameFile, passwordFile, caFile, certificateFile, keyFile)
	}
	return has, nil
}

// clean takes out of an error what nobody may read, should a server or a library have put it there: errors go to logs, and to the status of policies.
func (i Identity) clean(err error) error {
	if err == nil || i.Folder == "" {
		return err
	}
	read := func(name string) string {
		content, err := os.ReadFile(filepath.Join(i.Folder, name))
		if err != nil {
			return ""
		}
		return strings.TrimSpace(string(content))
	}
	token, password := read(tokenFile), read(passwordFile)
	text := err.Error()
	for _, secret := range []string{token, base64.StdEncoding.EncodeToString([]byte(read(usernameFile) + ":" + password)), password} {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "<secret>")
		}
	}
	if text == err.Error() {
		return err
	}
	return errors.New(text)
}
