package agent

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/host/content/download"
	"github.com/left4me/left4me/internal/left4me"
)

// allow lets the depot's agent download from a server on this machine.
func (d *depot) allow(server *httptest.Server) {
	d.t.Helper()
	c, err := download.New(download.Options{Allow: []string{strings.TrimPrefix(server.URL, "http://")}})
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(c.Close)
	d.agent.builds.Downloads, d.agent.builds.GitHub = c, server.URL
}

func (d *depot) overlay(n left4me.Name) left4me.Content {
	d.t.Helper()
	c, err := contentAsk[left4me.Content](d, bus.VerbContent, bus.OverlayRequest{V: bus.Version, Overlay: n})
	if err != nil {
		d.t.Fatal(err)
	}
	return c
}

// text returns the content of a file in the overlay's current revision.
func (d *depot) text(n left4me.Name, file string) string {
	d.t.Helper()
	b, err := os.ReadFile(filepath.Join(d.Files.Root.Overlay(n), fmt.Sprint(d.overlay(n).Current), file))
	if errors.Is(err, os.ErrNotExist) {
		return "none"
	}
	if err != nil {
		d.t.Fatal(err)
	}
	return string(b)
}

func TestBuildRunsScript(t *testing.T) {
	t.Parallel()
	d := newDepot(t)
	spec := left4me.BuildSpec{By: "ann", Overlay: left4me.Overlay{Name: "maps", Kind: left4me.ScriptOverlay, Script: &left4me.Script{
		Text: "mkdir -p left4dead2/cfg; echo x >left4dead2/cfg/a.cfg; echo made", Version: 3,
	}}}
	r := d.done(d.ask(left4me.BuildOverlay, "maps", spec))
	if strings.Join(r.Log, "\n") != "made" || stepOf(r, left4me.StepRunScript).Note == "" {
		t.Errorf("got %q, %+v", r.Log, r.Steps)
	}
	if c := d.overlay("maps"); c.Current != 1 || c.Revisions[0].Origin != "version 3" || d.text("maps", "left4dead2/cfg/a.cfg") != "x\n" {
		t.Errorf("got %+v", c)
	}
	// A failed script leaves the revision unchanged, and the job says why.
	spec.Overlay.Script = &left4me.Script{Text: "echo x >x; echo no such map >&2; exit 4", Version: 4}
	r = d.end(d.ask(left4me.BuildOverlay, "maps", spec))
	if r.State != left4me.JobFailed || r.Error == nil || !strings.Contains(r.Error.Text, "status 4") ||
		r.Log[len(r.Log)-1] != "no such map" || d.overlay("maps").Current != 1 {
		t.Errorf("got %+v", r)
	}
	spec.Overlay.Script = nil
	if r = d.end(d.ask(left4me.BuildOverlay, "maps", spec)); r.Error == nil || r.Error.Kind != left4me.Invalid {
		t.Errorf("got %+v", r)
	}
}

func TestBuildFetchesGitCommit(t *testing.T) {
	t.Parallel()
	d := newDepot(t)
	dir := t.TempDir()
	run := func(args ...string) string {
		t.Helper()
		cmd := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=x", "-c", "user.email=x@example.org"}, args...)...)
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("git %q: %v\n%s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	commit := func(files map[string]string) string {
		t.Helper()
		for name, text := range files {
			name = filepath.Join(dir, name)
			if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(text), 0o644)); err != nil {
				t.Fatal(err)
			}
		}
		run("add", "-A")
		run("commit", "-qm", "x")
		return run("rev-parse", "HEAD")
	}
	run("init", "-q", "-b", "main")
	path, err := exec.Command("git", "--exec-path").Output()
	if err != nil {
		t.Fatal(err)
	}
	safe := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(safe, []byte("[safe]\n\tdirectory = *\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	packs := 0
	backend := &cgi.Handler{
		Path: filepath.Join(strings.TrimSpace(string(path)), "git-http-backend"), Root: "/", InheritEnv: []string{"PATH"},
		Stderr: io.Discard,
		Env:    []string{"GIT_PROJECT_ROOT=" + dir, "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_GLOBAL=" + safe},
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		if bytes.Contains(b, []byte("command=fetch")) {
			packs++
		}
		r.Body = io.NopCloser(bytes.NewReader(b))
		backend.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	d.allow(server)

	first := commit(map[string]string{"cfg/a.cfg": "1", "cfg/own.cfg": "theirs", "addons/sourcemod/plugins/a.smx": "1", "README.md": "x"})
	spec := left4me.BuildSpec{
		Overlay: left4me.Overlay{Name: "rework", Kind: left4me.GitOverlay, Git: &left4me.Git{URL: server.URL + "/.git"}},
	}
	d.done(d.ask(left4me.BuildOverlay, "rework", spec))
	if c := d.overlay("rework"); c.Current != 1 || c.Revisions[0].Origin != first || d.text("rework", "left4dead2/cfg/a.cfg") != "1" {
		t.Fatalf("got %+v", c)
	}
	had := packs
	r := d.done(d.ask(left4me.BuildOverlay, "rework", spec))
	if note := stepOf(r, left4me.StepPublishOverlay).Note; packs != had || d.overlay("rework").Current != 1 ||
		!strings.Contains(note, "no changes") {
		t.Errorf("fetched %d packs, note %q", packs-had, note)
	}

	run("rm", "-rq", "addons")
	second := commit(map[string]string{"cfg/a.cfg": "2", "cfg/own.cfg": "theirs again", "cfg/new.cfg": "2"})
	spec.Overlay.Git.Keep = []string{"cfg/own*", "left4dead2/addons/sourcemod/plugins"}
	d.done(d.ask(left4me.BuildOverlay, "rework", spec))
	for file, want := range map[string]string{"a.cfg": "2", "own.cfg": "theirs", "new.cfg": "2"} {
		if got := d.text("rework", "left4dead2/cfg/"+file); got != want {
			t.Errorf("%s contains %q, want %q", file, got, want)
		}
	}
	if got := d.text("rework", "left4dead2/addons/sourcemod/plugins/a.smx"); got != "1" ||
		d.overlay("rework").Revisions[0].Origin != second {
		t.Errorf("got %q, %+v", got, d.overlay("rework").Revisions[0])
	}

	// A subdirectory at a commit, and a missing reference.
	spec.Overlay.Git = &left4me.Git{URL: server.URL + "/.git", Ref: first[:10], Subdir: "addons"}
	d.done(d.ask(left4me.BuildOverlay, "rework", spec))
	if d.text("rework", "left4dead2/cfg/a.cfg") != "none" || d.text("rework", "left4dead2/addons/sourcemod/plugins/a.smx") != "1" ||
		d.overlay("rework").Revisions[0].Origin != first+":addons" {
		t.Errorf("got %+v", d.overlay("rework").Revisions[0])
	}
	spec.Overlay.Git = &left4me.Git{URL: server.URL + "/.git", Ref: "gone"}
	if r := d.end(d.ask(left4me.BuildOverlay, "rework", spec)); r.Error == nil || r.Error.Kind != left4me.NotFound ||
		d.overlay("rework").Current != 3 {
		t.Errorf("got %+v", r)
	}
}

func TestBuildFetchesReleaseAsset(t *testing.T) {
	t.Parallel()
	d := newDepot(t)
	var archive bytes.Buffer
	pack := func(files map[string]string) {
		archive.Reset()
		w := zip.NewWriter(&archive)
		for name, text := range files {
			f, err := w.Create(name)
			if err == nil {
				_, err = io.WriteString(f, text)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	fetched, lie := 0, ""
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	mux.HandleFunc("/repos/o/n/releases/latest", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w,
			`{"tag_name": "v1", "assets": [{"name": "n-linux.zip", "state": "uploaded", "size": %d, "digest": "sha256:%x", "browser_download_url": "%s/n-linux.zip"}]}`,
			archive.Len(), sha256.Sum256(append([]byte(lie), archive.Bytes()...)), server.URL)
	})
	mux.HandleFunc("/n-linux.zip", func(w http.ResponseWriter, _ *http.Request) {
		fetched++
		_, _ = w.Write(archive.Bytes())
	})
	d.allow(server)
	pack(map[string]string{"n/addons/a.vdf": "1", "n/cfg/own.cfg": "theirs", "other/x": "x"})
	spec := left4me.BuildSpec{
		Overlay: left4me.Overlay{
			Name:    "tool",
			Kind:    left4me.ReleaseOverlay,
			Release: &left4me.Release{Repository: "o/n", Asset: "*-linux.zip", Subdir: "n"},
		},
	}
	for range 2 {
		d.done(d.ask(left4me.BuildOverlay, "tool", spec))
	}
	if c := d.overlay("tool"); c.Current != 1 || fetched != 1 || !strings.HasPrefix(c.Revisions[0].Origin, "v1 n-linux.zip (sha256:") ||
		d.text("tool", "left4dead2/addons/a.vdf") != "1" {
		t.Errorf("fetched %d times: %+v", fetched, c)
	}
	// The same tag with a different archive.
	pack(map[string]string{"n/addons/a.vdf": "2", "n/cfg/own.cfg": "theirs again"})
	spec.Overlay.Release.Keep = []string{"left4dead2/cfg"}
	d.done(d.ask(left4me.BuildOverlay, "tool", spec))
	if d.text("tool", "left4dead2/addons/a.vdf") != "2" || d.text("tool", "left4dead2/cfg/own.cfg") != "theirs" {
		t.Errorf("got %+v", d.overlay("tool"))
	}
	pack(map[string]string{"n/addons/a.vdf": "3"})
	lie = "x"
	if r := d.end(d.ask(left4me.BuildOverlay, "tool", spec)); r.State != left4me.JobFailed || d.overlay("tool").Current != 2 {
		t.Errorf("got %+v", r)
	}
}
