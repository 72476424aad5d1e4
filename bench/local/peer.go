// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package local

// peer is a tool that somebody would use instead of Hoist. In its arguments {dir} stands for the folder that the server reads, {cache} for one
// to keep bytes in, {work} for the working folder, {bucket}, {prefix} and {endpoint} for the origin. Keys come from the environment.
type peer struct {
	program string
	version []string // arguments that have it say its version
	fuse    bool     // it needs fusermount3, too
	command []string
	mounts  bool     // command mounts {dir}, and stays until that is unmounted
	below   string   // folder of the mount that has the model
	after   []string // command that is measured, too, once it is mounted
}

var awsCLI = peer{program: "aws", version: []string{"--version"},
	command: []string{"aws", "s3", "cp", "--recursive", "--only-show-errors", "s3://{bucket}/{prefix}", "{dir}"}}

var rclone = peer{program: "rclone", version: []string{"version"}, fuse: true, mounts: true,
	command: []string{"rclone", "mount", ":s3:{bucket}/{prefix}", "{dir}", "--s3-provider=Other", "--s3-env-auth", "--s3-endpoint={endpoint}", "--s3-region=us-east-1",
		"--config=/dev/null", "--read-only", "--vfs-cache-mode=full", "--vfs-read-ahead=256M", "--cache-dir={cache}"}}

var s3fs = peer{program: "s3fs", version: []string{"--version"}, fuse: true, mounts: true, below: "{prefix}",
	command: []string{"s3fs", "{bucket}", "{dir}", "-f", "-o", "url={endpoint},use_path_request_style,endpoint=us-east-1,ro,use_cache={cache},parallel_count=20,multipart_size=16"}}

var juicefs = peer{program: "juicefs", version: []string{"version"}, fuse: true, mounts: true, below: "model",
	command: []string{"juicefs", "mount", "sqlite3://{work}/juicefs.db", "{dir}", "--read-only", "--no-usage-report", "--cache-dir={cache}", "--cache-size=1048576", "--free-space-ratio=0.01"}}

var juicefsWarmed = peer{program: juicefs.program, version: juicefs.version, fuse: true, mounts: true, below: juicefs.below, command: juicefs.command,
	after: []string{"juicefs", "warmup", "{dir}/model", "--threads=20"}}

var claim = peer{program: "cp", version: []string{"--version"}, command: []string{"cp", "-r", "{work}/plain/.", "{dir}"}}

// peers are scenarios of what somebody would use instead. Those with a mount begin with an empty cache, or, warm, with one that has all of the model.
var peers = []scenario{
	{name: "aws s3 cp", what: "An init container copies the model with the AWS CLI.", folder: peerFolder, fresh: true, phase: "download", peer: &awsCLI},
	{name: "rclone mount", what: "rclone mounts the bucket with its VFS cache, which is empty.", folder: peerFolder, fresh: true, phase: "mount", peer: &rclone},
	{name: "rclone mount, warm", what: "The same, with all of the model in the VFS cache, none of it in memory.", folder: peerFolder, phase: "mount", peer: &rclone},
	{name: "s3fs", what: "s3fs mounts the bucket with a cache on the disk, which is empty.", folder: peerFolder, fresh: true, phase: "mount", peer: &s3fs},
	{name: "s3fs, warm", what: "The same, with all of the model in its cache, none of it in memory.", folder: peerFolder, phase: "mount", peer: &s3fs},
	{name: "juicefs mount", what: "JuiceFS mounts a volume that has the model in the same origin, and its metadata in SQLite on this machine; its cache is empty.",
		folder: peerFolder, fresh: true, phase: "mount", peer: &juicefs},
	{name: "juicefs warmup", what: "The same, and juicefs warmup brings the model into the cache before the server starts.", folder: peerFolder, fresh: true, phase: "mount, warmup", peer: &juicefsWarmed},
	{name: "juicefs mount, warm", what: "The same volume, with all of the model in the cache, none of it in memory.", folder: peerFolder, phase: "mount", peer: &juicefs},
	{name: "copy of a claim", what: "An init container copies the model from a volume that has it: here a folder of the same disk, none of it in memory.", folder: peerFolder, phase: "copy", peer: &claim},
}

// peerFolder is where servers find the model by a peer.
const peerFolder = "peer"

// PeerScenarios are the names of the scenarios of peers.
func PeerScenarios() []string {
	var names []string
	for i := range peers {
		names = append(names, peers[i].name)
	}
	return names
}

// copies reports whether a peer needs a plain copy of the model to begin with.
func (p *peer) copies() bool {
	return p != nil && (p.program == claim.program || p.program == juicefs.program)
}

// shown is what was run, with names where there were folders that are gone.
func (p *peer) shown() []string {
	if len(p.after) == 0 {
		return p.command
	}
	return append(append(append([]string{}, p.command...), "&&"), p.after...)
}
