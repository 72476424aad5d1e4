// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"path/filepath"
	"strings"
)

// Log is what one service wrote.
type Log struct {
	Name string // machine/service, such as node1/kubelet
	Path string
}

// Logs lists the logs of a cluster, running or not.
func Logs(name string) ([]Log, error) {
	c, err := open(name)
	if err != nil {
		return nil, err
	}
	files, err := filepath.Glob(filepath.Join(c.dir, "*", "logs", "*.log"))
	if err != nil {
		return nil, err
	}
	var logs []Log
	for _, file := range files {
		of := filepath.Base(filepath.Dir(filepath.Dir(file)))
		logs = append(logs, Log{Name: of + "/" + strings.TrimSuffix(filepath.Base(file), ".log"), Path: file})
	}
	return logs, nil
}
