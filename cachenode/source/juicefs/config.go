// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

//go:build !nojuicefs && (cgo || (nogspt && nosqlite))

package juicefs

import (
	"errors"
	"log/slog"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/hoist-dev/hoist/cachenode"
)

// Scheme is the scheme of the URIs that a Source reads.
const Scheme = "juicefs"

// Config says how to reach one volume.
type Config struct {
	MetaURL    string       // such as "redis://:password@host:6379/1"
	AccessKey  string       // of the object store, where the volume was formatted without one
	SecretKey  string       // "
	Passphrase string       // of the key that an encrypted volume has
	Local      bool         // the metadata and the blocks may be files of this machine
	Logger     *slog.Logger // nil discards
}

// String keeps the credentials out of logs.
func (Config) String() string { return "(a JuiceFS volume)" }

// GoString keeps the credentials out of logs.
func (c Config) GoString() string { return c.String() }

// WithEnvironment fills in what c does not say from JUICEFS_META_URL and
// JFS_RSA_PASSPHRASE. The library itself reads META_PASSWORD.
func (c Config) WithEnvironment() Config {
	if c.MetaURL == "" {
		c.MetaURL = os.Getenv("JUICEFS_META_URL")
	}
	if c.Passphrase == "" {
		c.Passphrase = os.Getenv("JFS_RSA_PASSPHRASE")
	}
	return c
}

// The metadata engines, by the schemes of their URLs.
var (
	networkEngines = []string{"redis", "rediss", "postgres", "mysql", "tikv", "etcd"}
	localEngines   = []string{"sqlite3"}
)

// fileParameter names the parameters of metadata URLs that lead to files of this
// machine: keys, certificates and, with MySQL, whatever the server asks for.
var fileParameter = regexp.MustCompile(`(?i)(file|^ca$|^cacert$|^cert$|^key$|^sslcert$|^sslkey$|^sslrootcert$|^service$)`)

// check refuses a metadata URL that the library must not see.
func (c Config) check() error {
	engine, rest, ok := strings.Cut(c.MetaURL, "://")
	if !ok {
		return c.invalid(errors.New("it is missing, or has no scheme"), "give the volume's metadata URL, such as redis://:password@host:6379/1, as JUICEFS_META_URL or the key metaurl of the Secret")
	}
	switch {
	case slices.Contains(localEngines, engine) && !c.Local:
		return &cachenode.Error{Kind: cachenode.ErrUnsupported, Op: "use", Subject: "the metadata URL", Err: errors.New(engine + " is a file of one machine"), Hint: "use a metadata engine with a server"}
	case !slices.Contains(networkEngines, engine) && !slices.Contains(localEngines, engine):
		return &cachenode.Error{Kind: cachenode.ErrUnsupported, Op: "use", Subject: "the metadata URL", Err: errors.New("an engine that this build does not have"),
			Hint: "there are " + strings.Join(slices.Concat(networkEngines, localEngines), ", ")}
	}
	if c.Local {
		return nil
	}
	_, query, _ := strings.Cut(rest, "?")
	parameters, err := url.ParseQuery(query)
	if err != nil {
		return c.invalid(errors.New("its query can't be read"), "")
	}
	for name := range parameters {
		if fileParameter.MatchString(name) {
			return &cachenode.Error{Kind: cachenode.ErrUnsafe, Op: "use", Subject: "the metadata URL", Err: errors.New("its parameter " + name + " names a file"), Hint: "leave it out"}
		}
	}
	return nil
}

// invalid does not repeat the URL: it holds a password.
func (c Config) invalid(err error, hint string) error {
	return &cachenode.Error{Kind: cachenode.ErrInvalid, Op: "use", Subject: "the metadata URL", Err: err, Hint: hint}
}

// withoutSecrets is text without what c keeps.
func (c Config) withoutSecrets(text string) string {
	secrets := []string{c.MetaURL, c.SecretKey, c.Passphrase}
	if _, rest, ok := strings.Cut(c.MetaURL, "://"); ok {
		secrets = append(secrets, rest)
		if at := strings.LastIndex(rest, "@"); at > 0 {
			user, password, _ := strings.Cut(rest[:at], ":")
			secrets = append(secrets, rest[:at], password)
			if password == "" {
				secrets = append(secrets, user)
			}
		}
	}
	for _, secret := range secrets {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "[removed]")
		}
	}
	return text
}
