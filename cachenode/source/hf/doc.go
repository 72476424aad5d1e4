// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

// Package hf reads models from the Hugging Face Hub, and from mirrors that speak its
// protocol: hf://owner/repo[@revision][/path].
//
// A branch or tag is resolved to its commit once; the commit is part of the manifest,
// and every request names it. Large files (LFS, Xet) have the SHA-256 that the Hub
// stores them by, small ones the hash that git has: every byte is verified.
//
// The Hub answers for a large file with a redirect to a content network. It is followed
// without the token where it leads to another host, and remembered while it works, so
// that a file costs the Hub a few requests and not one for each range.
//
// The protocol: https://huggingface.co/docs/hub/api, and the client that defines it in
// practice, https://github.com/huggingface/huggingface_hub.
package hf
