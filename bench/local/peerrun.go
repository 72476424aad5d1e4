// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package local

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hoist-dev/hoist/bench/pagecache"
)

func init() {
	for i := range peers {
		p := peers[i].peer
		peers[i].fetch = func(b *bench, ctx context.Context, _ string) error { return b.fetchByPeer(ctx, p) }
	}
}

// install finds a scenario's tool and asks for its version, or says why it can't be run.
func (b *bench) install(ctx context.Context, s *scenario) (why string) {
	if b.origin == nil {
		return "peers are run on an origin that is made, not on --source"
	}
	needs := []string{s.peer.program}
	if s.peer.fuse {
		needs = append(needs, "fusermount3")
		if os.Geteuid() != 0 {
			return "mounts are made as root only"
		}
	}
	for _, program := range needs {
		if _, err := b.program(program); err != nil {
			return program + " is not installed"
		}
	}
	cmd, err := b.tool(ctx, append([]string{s.peer.program}, s.peer.version...))
	if err != nil {
		return err.Error()
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Sprintf("%s does not tell its version: %v", s.peer.program, err)
	}
	line, _, _ := bytes.Cut(out, []byte("\n"))
	b.versions[s.name] = string(bytes.TrimSpace(line))
	return ""
}

// program is where a program is.
func (b *bench) program(name string) (string, error) {
	for _, dir := range b.Programs {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path, nil
		}
	}
	return exec.LookPath(name)
}

// words are a command with what the names in it stand for.
func (b *bench) words(command []string) []string {
	fill := strings.NewReplacer("{dir}", b.dir(peerFolder), "{cache}", b.dir("cache"), "{work}", b.work, "{bucket}", b.bucket, "{prefix}", b.prefix, "{endpoint}", b.origin.Endpoint)
	words := make([]string, len(command))
	for i := range command {
		words[i] = fill.Replace(command[i])
	}
	return words
}

// tool is a command of a peer, with the keys of the origin under the names that tools look for.
func (b *bench) tool(ctx context.Context, command []string) (*exec.Cmd, error) {
	path, err := b.program(command[0])
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, path, b.words(command)[1:]...)
	// The origin speaks plain HTTP, and rclone fails where it is told of certificates.
	cmd.Env = slices.DeleteFunc(slices.Clone(b.environment), func(v string) bool { return strings.HasPrefix(v, "AWS_CA_BUNDLE=") })
	cmd.Env = append(cmd.Env, "AWSACCESSKEYID="+b.origin.Access, "AWSSECRETACCESSKEY="+b.origin.Secret,
		"ACCESS_KEY="+b.origin.Access, "SECRET_KEY="+b.origin.Secret, "META_PASSWORD=")
	return cmd, nil
}

func (b *bench) runTool(ctx context.Context, command []string) error {
	cmd, err := b.tool(ctx, command)
	if err != nil {
		return err
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %.500s", strings.Join(b.words(command), " "), err, bytes.TrimSpace(out))
	}
	return nil
}

// preparePeer brings about what a peer's scenario begins with.
func (b *bench) preparePeer(ctx context.Context, s *scenario) error {
	if s.peer.program == juicefs.program && !b.volume {
		if err := b.makeVolume(ctx); err != nil {
			return err
		}
	}
	if err := b.clear(peerFolder); err != nil {
		return err
	}
	if s.fresh {
		b.kept = nil
		return b.clear("cache")
	}
	if s.peer.mounts && b.kept != s.peer {
		if err := b.fillCache(ctx, s); err != nil {
			return err
		}
	}
	for _, folder := range []string{"cache", "plain"} {
		if err := pagecache.Drop(b.dir(folder)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// fillCache has a peer read all of the model once.
func (b *bench) fillCache(ctx context.Context, s *scenario) error {
	b.step("fill the cache of %s", s.peer.program)
	if err := b.clear("cache"); err != nil {
		return err
	}
	b.kept = s.peer
	return errors.Join(b.mount(ctx, s.peer), b.readAll(ctx, b.modelOf(s)), b.unmount())
}

// modelOf is the folder that the server reads.
func (b *bench) modelOf(s *scenario) string {
	if s.peer == nil {
		return b.dir(s.folder)
	}
	return filepath.Join(b.dir(s.folder), b.words([]string{s.peer.below})[0])
}

// fetchByPeer is how the model comes to its folder by a peer.
func (b *bench) fetchByPeer(ctx context.Context, p *peer) error {
	if !p.mounts {
		return b.runTool(ctx, p.command)
	}
	if err := b.mount(ctx, p); err != nil || len(p.after) == 0 {
		return err
	}
	return b.runTool(ctx, p.after)
}

// makeVolume puts the model into a volume of JuiceFS in the same bucket.
func (b *bench) makeVolume(ctx context.Context) error {
	b.step("put the model into a volume of JuiceFS")
	b.volume = true
	if err := b.runTool(ctx, []string{"juicefs", "format", "sqlite3://{work}/juicefs.db", "peers", "--storage=s3", "--bucket={endpoint}/{bucket}", "--trash-days=0", "--no-update"}); err != nil {
		return err
	}
	if err := errors.Join(b.clear(peerFolder), b.clear("cache")); err != nil {
		return err
	}
	writing := juicefs
	writing.command = []string{"juicefs", "mount", "sqlite3://{work}/juicefs.db", "{dir}", "--no-usage-report", "--cache-dir={cache}", "--cache-size=0"}
	if err := b.mount(ctx, &writing); err != nil {
		return err
	}
	return errors.Join(b.runTool(ctx, []string{"cp", "-r", "{work}/plain", "{dir}/model"}), b.unmount())
}
