// Copyright The Hoist Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"image/color"
	"image/png"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/sys/unix"

	"github.com/hoist-dev/hoist/bench/local"
	"github.com/hoist-dev/hoist/bench/result"
	"github.com/hoist-dev/hoist/bench/synth"
	"github.com/hoist-dev/hoist/test/s3test/versity"
)

// small is a benchmark of seconds.
func small(t *testing.T, dir string, more ...string) *process {
	t.Helper()
	return start(t, nil, append([]string{"bench", "local", "--s3-server", versity.Build(t), "--dir", dir, "--size", "24MiB", "--runs", "2", "--latency", "2ms"}, more...)...)
}

func TestBenchLocal_MeasuresWhatItClaims(t *testing.T) {
	t.Parallel()
	dir, out := t.TempDir(), t.TempDir()
	page, found := filepath.Join(out, "report.html"), filepath.Join(out, "report.json")
	o := small(t, dir, "-o", page).wait()
	o.want(t, 0, "round 2 of 2: plain memory")
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("it leaves %v, %v", left, err)
	}
	raw, err := os.ReadFile(found)
	if err != nil {
		t.Fatal(err)
	}
	validate(t, raw)
	r, err := result.Read(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Scenarios) != len(local.Scenarios()) {
		t.Errorf("%d scenarios, want %v", len(r.Scenarios), local.Scenarios())
	}
	for _, s := range r.Scenarios {
		if len(s.Runs) != 2 {
			t.Errorf("%s: %d runs", s.Name, len(s.Runs))
		}
		for _, run := range s.Runs {
			checkRun(t, s.Name, run, dir)
		}
	}
	for _, format := range []string{"md", "text", "svg", "json"} {
		if o := hoist(t, nil, "bench", "report", found, "--format", format); o.code != 0 || !strings.Contains(o.stdout, "hoist, warm disk") {
			t.Errorf("as %s: %+v", format, o)
		}
	}
	again := filepath.Join(t.TempDir(), "again.md")
	hoist(t, nil, "bench", "report", found, "-o", again).want(t, 0, "")
	if text, err := os.ReadFile(again); err != nil || !strings.HasPrefix(string(text), "###") {
		t.Errorf("%s has %.100s, %v", again, text, err)
	}
	look(t, page, r)
}

// A bucket of one's own has no counter, is reached by the name of its host, and may have a model beside the one that was named.
func TestBenchLocal_ProvesWhereAModelOfOnesOwnCameFrom(t *testing.T) {
	t.Parallel()
	b := newBucket(t)
	model, err := synth.Plan(synth.Options{Size: 32 << 20, Shard: 32 << 20, Seed: 1}) // a file of several ranges
	if err != nil {
		t.Fatal(err)
	}
	var size int64
	for _, f := range model {
		var content bytes.Buffer
		if _, err := f.WriteTo(&content); err != nil {
			t.Fatal(err)
		}
		size += f.Size
		b.put("llama3-8b", files{"/" + f.Path: content.Bytes(), "-hf/" + f.Path: content.Bytes()})
	}
	env := slices.Clone(b.env)
	for i := range env {
		env[i] = strings.Replace(env[i], "127.0.0.1", "localhost", 1)
	}
	for _, prefix := range []string{"llama3-8b/", "llama3-8b"} {
		dir, found := t.TempDir(), filepath.Join(t.TempDir(), "report.json")
		o := hoist(t, env, "bench", "local", "--source", b.uri(prefix), "--scenario", "storage initializer", "--scenario", "hoist, cold node", "--scenario", "hoist, warm disk", "--dir", dir, "-o", found)
		o.want(t, 0, "round 3 of 3: hoist, warm disk")
		r, err := readResult(found)
		if err != nil {
			t.Fatal(err)
		}
		if r.Model.Bytes != size || r.Model.Files != len(model) || len(r.Scenarios) != 3 {
			t.Errorf("%s: %d bytes in %d files by %d scenarios; want %d in %d by 3", prefix, r.Model.Bytes, r.Model.Files, len(r.Scenarios), size, len(model))
		}
		for _, s := range r.Scenarios {
			for _, run := range s.Runs {
				checkRun(t, s.Name, run, dir)
				if got := run.Proof[len(run.Proof)-1].Got; got != size && s.Name != "hoist, warm disk" {
					t.Errorf("%s: %s has downloaded %d bytes of %d", prefix, s.Name, got, size)
				}
			}
		}
		if strings.Contains(o.stdout, "not what") || strings.Contains(o.stderr, "SDK") {
			t.Errorf("%s: it says\n%s%s", prefix, o.stdout, o.stderr)
		}
	}
	hoist(t, env, "bench", "local", "--source", b.uri("llama3")).want(t, 1, "there is nothing below "+b.uri("llama3/"))
}

// Where nothing can be run, that is no benchmark with an empty table.
func TestBenchLocal_FailsWhereNothingCanBeRun(t *testing.T) {
	t.Parallel()
	found := filepath.Join(t.TempDir(), "report.json")
	hoist(t, []string{"PATH=" + t.TempDir()}, "bench", "local", "--s3-server", versity.Build(t), "--dir", t.TempDir(), "--size", "24MiB", "--scenario", "copy of a claim", "-o", found).
		want(t, 1, "none of the scenarios can be run: copy of a claim: cp is not installed")
	if _, err := os.Stat(found); err == nil {
		t.Error("it writes a report of nothing")
	}
}

func TestBenchReport_RefusesSeveralResultsAsOneDocument(t *testing.T) {
	t.Parallel()
	one := filepath.Join(t.TempDir(), "one.json")
	if err := writeTo(one, func(w io.Writer) error { return result.Write(w, result.Result{Version: result.Version}) }); err != nil {
		t.Fatal(err)
	}
	both := filepath.Join(t.TempDir(), "both.json")
	hoist(t, nil, "bench", "report", one, one, "-o", both).want(t, 2, "2 results are no one JSON document")
	if _, err := os.Stat(both); err == nil {
		t.Error("it has written a file all the same")
	}
	hoist(t, nil, "bench", "report", one, one, "--format", "json").want(t, 2, "html, md or text")
	hoist(t, nil, "bench", "report", one, "-o", both).want(t, 0, "")
	if _, err := readResult(both); err != nil {
		t.Error(err)
	}
}

// What one would use instead is measured as far as it is installed, and named where it is not. No mount is left.
func TestBenchLocal_MeasuresPeersOrSaysWhyNot(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	found := filepath.Join(t.TempDir(), "report.json")
	small(t, dir, "--runs", "1", "--scenario", "plain disk", "--peers", "-o", found).wait().want(t, 0, "copy of a claim")
	f, err := os.Open(found)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := result.Read(f)
	if err != nil {
		t.Fatal(err)
	}
	why := map[string]string{}
	for _, n := range r.NotRun {
		why[n.Name] = n.Reason
		if !strings.Contains(n.Reason, "is not installed") && !strings.Contains(n.Reason, "root") {
			t.Errorf("%s is not run: %s", n.Name, n.Reason)
		}
	}
	for i := range r.Scenarios {
		s := &r.Scenarios[i]
		if s.Name == "plain disk" {
			continue
		}
		why[s.Name] = "run"
		checkRun(t, s.Name, s.Runs[0], dir)
		if s.Tool == "" || len(s.Command) == 0 || s.Runs[0].OwnSeconds() != 0 {
			t.Errorf("%s was run with %q: %v", s.Name, s.Tool, s.Command)
		}
	}
	for _, name := range local.PeerScenarios() {
		if why[name] == "" {
			t.Errorf("nothing is said of %s", name)
		}
	}
	if why["copy of a claim"] != "run" {
		t.Errorf("cp was not run: %s", why["copy of a claim"])
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if left, _ := os.ReadDir(dir); err != nil || strings.Contains(string(mounts), dir) || len(left) > 0 {
		t.Errorf("it leaves %v, or mounts: %v", left, err)
	}
}

// checkRun wants phases to add up to the whole, and each claim to hold.
func checkRun(t *testing.T, scenario string, run result.Run, dir string) {
	t.Helper()
	var sum float64
	for _, p := range run.Phases {
		if p.Seconds < 0 {
			t.Errorf("%s: %s took %v s", scenario, p.Name, p.Seconds)
		}
		sum += p.Seconds
	}
	if math.Abs(sum-run.Seconds) > 0.02*run.Seconds {
		t.Errorf("%s: phases add up to %v s of %v s: %+v", scenario, sum, run.Seconds, run.Phases)
	}
	var disk unix.Statfs_t
	inMemory := unix.Statfs(dir, &disk) == nil && disk.Type == unix.TMPFS_MAGIC // what is there can't leave it
	for _, p := range run.Proof {
		if !p.OK && !inMemory {
			t.Errorf("%s: %s: %d, want %s", scenario, p.Name, p.Got, p.Want)
		}
	}
	if len(run.Proof) == 0 {
		t.Errorf("%s: nothing shows that it was what it claims", scenario)
	}
}

func validate(t *testing.T, raw []byte) {
	t.Helper()
	parse := func(raw []byte) any {
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource("schema.json", parse(result.Schema)); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(parse(raw)); err != nil {
		t.Errorf("the result is not what its schema says: %v", err)
	}
	var broken map[string]any
	if err := json.Unmarshal(raw, &broken); err != nil {
		t.Fatal(err)
	}
	broken["scenarios"] = "none"
	again, err := json.Marshal(broken)
	if err != nil {
		t.Fatal(err)
	}
	if schema.Validate(parse(again)) == nil {
		t.Error("the schema takes anything")
	}
}

// look opens a report in a browser: no word of an error on its console, nothing from the network, and the waterfalls drawn.
func look(t *testing.T, page string, r result.Result) {
	t.Helper()
	source, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"src=", "href=", "@import", "url("} {
		if bytes.Contains(source, []byte(part)) {
			t.Errorf("the report has %s, and must not need anything else", part)
		}
	}
	browser, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("chromium is not installed: apt-get install chromium")
		}
		t.Log("not looked at in a browser: apt-get install chromium")
		return
	}
	shot := filepath.Join(t.TempDir(), "report.png")
	if folder := os.Getenv("HOIST_ARTIFACTS"); folder != "" {
		shot = filepath.Join(folder, "report.png")
	}
	open := func(more ...string) (dom string) {
		cmd := exec.Command(browser, append([]string{"--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--enable-logging=stderr",
			"--user-data-dir=" + t.TempDir(), "--window-size=1000,3000"}, append(more, "file://"+page)...)...)
		var said bytes.Buffer
		cmd.Stderr = &said
		out, err := cmd.Output()
		if err != nil || strings.Contains(said.String(), "CONSOLE") {
			t.Errorf("chromium: %v\n%s", err, said.String())
		}
		return string(out)
	}
	if got := strings.Count(open("--dump-dom"), `<figure class="waterfall"><svg`); got != len(r.Scenarios) {
		t.Errorf("the browser has %d waterfalls, want %d", got, len(r.Scenarios))
	}
	open("--screenshot=" + shot)
	file, err := os.Open(shot)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if drawn := pixels(t, file, color.RGBA{0xd5, 0x5e, 0x00, 0xff}); drawn < 1000 {
		t.Errorf("%d pixels of the screenshot have the color of the downloads", drawn)
	}
}

func pixels(t *testing.T, r io.Reader, want color.RGBA) (found int) {
	t.Helper()
	picture, err := png.Decode(r)
	if err != nil {
		t.Fatal(err)
	}
	for y := range picture.Bounds().Dy() {
		for x := range picture.Bounds().Dx() {
			if color.RGBAModel.Convert(picture.At(x, y)) == want {
				found++
			}
		}
	}
	return found
}

func TestBenchLocal_InterruptedLeavesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := small(t, dir, "--connection", "1MB", "--latency", "50ms")
	eventually(t, "the first run begins", func() bool { return strings.Contains(p.stderr.String(), "put a copy on the disk") || p.ended() })
	p.signal(syscall.SIGINT)
	o := p.wait()
	if o.code == 0 {
		t.Errorf("it ends well: %+v", o)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("it leaves %v, %v", left, err)
	}
}

func TestBench_SaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	odd := filepath.Join(t.TempDir(), "odd.json")
	if err := os.WriteFile(odd, []byte(`{"version": 99}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"bench", "local", "--model", "none", "--s3-server", "/bin/true"}, 2, "llama-3.1-8b"},
		{[]string{"bench", "local", "--scenario", "none", "--s3-server", "/bin/true"}, 1, "storage initializer"},
		{[]string{"bench", "report", odd}, 1, "version 99"},
		{[]string{"bench", "report", "nowhere.json"}, 1, "nowhere.json"},
		{[]string{"bench", "report"}, 2, "arg"},
		{[]string{"bench", "report", odd, "-o", "report.pdf"}, 2, ".html"},
		{[]string{"bench", "local", "--s3-server", "/bin/true", "-o", "report"}, 2, ".html"},
		{[]string{"bench", "cluster", "--deployment", "llama", "-o", "report.doc"}, 2, ".html"},
	} {
		hoist(t, nil, row.args...).want(t, row.code, row.says)
	}
}
