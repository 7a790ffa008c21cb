package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/store"
	"github.com/left4me/left4me/internal/store/storetest"
)

// failedJobs lists jobs with errors of this and other builds, and what must be shown for each.
var failedJobs = []struct {
	id   left4me.JobID
	why  *left4me.Error
	text string
	args []string // arguments that the API returns
}{
	// From before error codes existed.
	{"0190f3c800007000800000000001", left4me.Received(left4me.Busy, "", nil, "it <fell> over", "lift it"), "it <fell> over", nil},
	{ // an error from a newer host
		"0190f3c800007000800000000002",
		left4me.Received(left4me.Busy, "port.of_tomorrow", left4me.Args{"gate": int64(7)}, "the <gate> is shut", "open it"),
		"the <gate> is shut",
		[]string{"gate"},
	},
	{ // same code with other arguments
		"0190f3c800007000800000000003",
		left4me.Received(left4me.Conflict, "port.in_use", left4me.Args{"gate": int64(7)}, "the <door> is shut", "open it"),
		"the <door> is shut",
		[]string{"gate"},
	},
	{ // same code with another text
		"0190f3c800007000800000000004",
		left4me.Received(left4me.Conflict, "port.in_use", left4me.Args{"port": int64(27015), "server": "beta"}, "worded otherwise", "then"),
		"port 27015 is already used by beta",
		[]string{"port", "server"},
	},
	{ // bytes from outside
		"0190f3c800007000800000000005",
		left4me.NewError(left4me.Unavailable, "git.failed", "verb", "fetch", "reason", "\x1b[31m<b>\r\u202e\u0085\xffsaid"),
		"git fetch failed: ",
		[]string{"verb"}, // the other argument cannot be encoded as JSON
	},
}

// startLeft4me runs serve as a process until the test ends. It returns a function that runs further
// commands, and the address of the panel.
func startLeft4me(t *testing.T, root string) (run func(args ...string) (out, said string, err error), address string) {
	t.Helper()
	program, err := exec.LookPath("left4me") // the program built by testscript.Main
	if err != nil {
		t.Fatal(err)
	}
	sockets, err := os.MkdirTemp("", "l4m-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(sockets) })
	env := append(os.Environ(), "LEFT4ME_ROOT="+root, "LEFT4ME_RUN="+sockets, "LEFT4ME_LISTEN=127.0.0.1:0", "LEFT4ME_SUPERVISOR=process",
		"LEFT4ME_RESERVE=1M", "LEFT4ME_SECRET_KEY="+testSecret, "LEFT4ME_PUBLIC_ADDRESS=127.0.0.1", "LEFT4ME_URL=", "LEFT4ME_TOKEN=",
		"LEFT4ME_STEAM_API_URL=http://127.0.0.1:9", "LEFT4ME_STEAMCMD_URL=http://127.0.0.1:9/x")
	log := filepath.Join(t.TempDir(), "log")
	out, err := os.Create(log)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd := exec.Command(program, "serve")
	cmd.Env, cmd.Stdout, cmd.Stderr = env, out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(patience):
			_ = cmd.Process.Kill()
			t.Error("left4me serve does not exit")
		}
	})
	run = func(args ...string) (string, string, error) {
		c := exec.CommandContext(t.Context(), program, args...)
		var out, said bytes.Buffer
		c.Env, c.Stdout, c.Stderr = env, &out, &said
		err := c.Run()
		return out.String(), said.String(), err
	}
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		b, _ := os.ReadFile(log)
		if m := servesLine.FindSubmatch(b); m != nil {
			return run, string(m[1])
		}
		select {
		case <-ended:
			t.Fatalf("left4me serve exited: %s", b)
		default:
		}
	}
	t.Fatal("left4me serve does not become ready")
	return nil, ""
}

// siteOfFailures creates a root directory whose database contains a server and its failed jobs.
func siteOfFailures(t *testing.T) (root string) {
	t.Helper()
	root = t.TempDir()
	db := storetest.Open(t.Context(), t, filepath.Join(root, databaseName))
	defer db.Close()
	ctx, at := t.Context(), time.Now().UTC().Add(-time.Hour)
	if err := db.Servers().Create(ctx, left4me.Server{
		Name: "alpha", Host: left4me.LocalHost, Port: 27015, Blueprint: "default", CreatedAt: at, Autostart: "never",
	}); err != nil {
		t.Fatal(err)
	}
	for i, f := range failedJobs {
		j := store.QueuedJob{Job: left4me.Job{
			ID: f.id, Kind: left4me.StartServer, Target: "alpha", Host: left4me.LocalHost, State: left4me.JobQueued,
			By: left4me.ByUser("admin"), CreatedAt: at.Add(time.Duration(i) * time.Minute),
		}}
		_, err := db.Jobs().Add(ctx, j, func([]store.QueuedJob) (*store.QueuedJob, error) { return nil, nil })
		_, _, rerr := db.Jobs().Run(ctx, j.ID, j.CreatedAt)
		j.State, j.StartedAt, j.EndedAt, j.Error = left4me.JobFailed, j.CreatedAt, j.CreatedAt.Add(time.Second), f.why
		_, _, eerr := db.Jobs().End(ctx, j.Job, "")
		if err := errors.Join(err, rerr, eerr); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// The panel, the API and the command line show this build's text of an error code, and otherwise the
// text that came with the error. Nothing in an error may control a terminal or a page.
func TestErrorsFromOtherBuildsAreShown(t *testing.T) {
	t.Parallel()
	run, address := startLeft4me(t, siteOfFailures(t))
	out, said, err := run("user", "create", "admin", "--admin", "--generate", "--json")
	var user struct{ Password string }
	if err != nil || json.Unmarshal([]byte(out), &user) != nil || user.Password == "" {
		t.Fatalf("%v: %s%s", err, out, said)
	}
	panel := panelOf(t, address, user.Password)
	cli := func(args ...string) string {
		t.Helper()
		out, said, _ := run(args...) // fails as the job did
		return out + said
	}
	out, said, err = run("token", "create", "x", "--user", "admin", "--json")
	var token struct{ Token string }
	if err != nil || json.Unmarshal([]byte(out), &token) != nil || token.Token == "" {
		t.Fatalf("%v: %s%s", err, out, said)
	}
	api := func(path string) string {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token.Token)
		return body(t, http.DefaultClient, req)
	}
	list := api("/api/v1/jobs")
	for i, f := range failedJobs {
		verb := []string{"show", "watch"}[i%2] // alternate, because each takes half a second
		shown := map[string]string{
			"left4me job " + verb:   cli("job", verb, string(f.id)),
			"the panel's list":      panel("/jobs"),
			"the page of the job":   panel("/jobs/" + string(f.id)),
			"the pages of a server": panel("/servers/alpha/history") + panel("/servers/alpha"),
		}
		for where, text := range shown {
			want := f.text
			if !strings.HasPrefix(where, "left4me") {
				want = html.EscapeString(want)
			}
			if !strings.Contains(strings.ToLower(text), want) {
				t.Errorf("%s: %s lacks %q:\n%s", f.id, where, want, text)
			}
			if i := strings.IndexFunc(text, func(r rune) bool { return left4me.Hidden(r) && r != '\n' && r != '\t' }); i >= 0 {
				t.Errorf("%s: %s contains control characters: %q", f.id, where, text[max(0, i-80):min(len(text), i+80)])
			}
			if !strings.HasPrefix(where, "left4me") && (strings.Contains(text, "31m<b>") || strings.Contains(text, "<gate>")) {
				t.Errorf("%s: %s contains an HTML element from an error", f.id, where)
			}
		}
		for _, path := range []string{"", "/events"} {
			text := api("/api/v1/jobs/" + string(f.id) + path)
			if path != "" { // the first event contains the job
				_, text, _ = strings.Cut(text, "data: ")
				text, _, _ = strings.Cut(text, "\n")
			}
			var j struct {
				Error struct {
					Kind       left4me.Kind
					Code, Text string
					Args       map[string]any
				}
			}
			if err := json.Unmarshal([]byte(text), &j); err != nil {
				t.Fatalf("%v: %s", err, text)
			}
			if e := j.Error; e.Code != f.why.Code || e.Kind != f.why.Kind || len(e.Args) != len(f.args) ||
				!strings.HasPrefix(e.Text, f.text) {
				t.Errorf("%s: got from the API: %s", f.id, text)
			}
			if path == "" && !strings.Contains(list, `"code":"`+f.why.Code+`"`) && f.why.Code != "" {
				t.Errorf("the API's list lacks %s:\n%s", f.why.Code, list)
			}
		}
	}
	if text := api("/api/v1/servers/alpha"); !strings.Contains(text, `"code":"git.failed"`) {
		t.Errorf("the API's server lacks git.failed:\n%s", text)
	}
}

// panelOf logs in and returns a function that fetches a page.
func panelOf(t *testing.T, address, password string) func(path string) string {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Jar: jar, Timeout: patience}
	t.Cleanup(client.CloseIdleConnections)
	resp, err := client.PostForm(address+"/login", url.Values{"name": {"admin"}, "password": {password}, "next": {"/servers"}})
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return func(path string) string {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		return body(t, client, req)
	}
}

func body(t *testing.T, c *http.Client, req *http.Request) string {
	t.Helper()
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: got status %d, %v: %s", req.URL.Path, resp.StatusCode, err, b)
	}
	return string(b)
}
