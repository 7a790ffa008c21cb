//go:build e2e

package e2e

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

const (
	root = "/var/lib/left4me"
	// exit status of the script machine if this host cannot boot a container
	unreachable = 77
)

// skip is the reason why the tests cannot run here, or empty.
var skip string

// outside is the path of the machine's file system as this process sees it.
var outside string

// programs is the directory with left4me's programs and the simulated ones.
var programs string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "left4me-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if os.Getenv("LEFT4ME_E2E_KEEP") == "" { // else keep it for inspection
		defer command("./machine", "stop").Run()
	}
	err = setUp(dir)
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == unreachable && os.Getenv("LEFT4ME_E2E_REQUIRED") == "" {
		skip = "this machine can't boot another: see the line above"
	} else if err != nil {
		fmt.Fprintln(os.Stderr, "set up:", err)
		return 1
	}
	return m.Run()
}

// setUp builds the programs, boots the machine and installs left4me in it.
func setUp(dir string) error {
	programs = filepath.Join(dir, "bin")
	build := command("go", "build", "-o", programs+"/", "./cmd/left4me", "./cmd/left4me-overlay", "./sim/srcds", "./sim/lay",
		"./sim/steamcmd")
	build.Dir, build.Env = "../..", append(os.Environ(), "CGO_ENABLED=0")
	built := make(chan error, 1)
	go func() { built <- build.Run() }()
	if err := errors.Join(boot(), <-built); err != nil {
		return err
	}
	return lay()
}

// boot boots the machine without left4me.
func boot() error {
	client.CloseIdleConnections()
	// A machine of an earlier run may still be running: kept on purpose, or left by a run that was
	// killed.
	if err := command("./machine", "stop").Run(); err != nil {
		return err
	}
	c := command("./machine", "boot")
	if os.Getenv("LEFT4ME_E2E_KEEP") == "" { // else the machine outlives this process
		c.Env = append(os.Environ(), "LEFT4ME_E2E_OWNER="+strconv.Itoa(os.Getpid()))
	}
	if err := c.Run(); err != nil {
		return err
	}
	return find()
}

// find sets outside to the machine's current file system, which belongs to its first process and
// changes with each boot.
func find() error {
	leader, err := os.ReadFile(filepath.Join(cmp.Or(os.Getenv("LEFT4ME_E2E_RUN"), "/run/left4me-e2e"), "leader"))
	if err != nil {
		return err
	}
	outside = "/proc/" + strings.TrimSpace(string(leader)) + "/root"
	return nil
}

// reboot shuts the machine down cleanly, boots it again and waits until left4me is ready. The disks
// keep their content.
func reboot(t *testing.T) {
	t.Helper()
	bootAgain(t, "reboot")
}

// powercut kills all processes of the machine at once, boots it from its disks and waits until
// left4me is ready.
func powercut(t *testing.T) {
	t.Helper()
	bootAgain(t, "powercut")
}

func bootAgain(t *testing.T, how string) {
	t.Helper()
	if skip != "" {
		t.Skip(skip)
	}
	client.CloseIdleConnections()
	if err := errors.Join(command("./machine", how).Run(), find(), becomesReady()); err != nil {
		t.Fatalf("%s: %v", how, err)
	}
}

// lay installs left4me in the machine by hand as docs/install.md describes, and starts it.
func lay() error {
	secret := "LEFT4ME_SECRET_KEY=" + strings.Repeat("only-for-this-test-", 3) + "\n"
	for _, c := range []*exec.Cmd{
		command("../../deploy/install", outside, programs),
		command(programs+"/lay", "installation", "--into", outside+root+"/installation/base", "--srcds", programs+"/srcds"),
		command(programs+"/steamcmd", "lay", outside+root+"/steam/steamcmd"),
		command("install", "-D", "-m", "0755", programs+"/srcds", outside+root+"/steam/steamcmd/depot/srcds_linux"),
		command("./machine", "exec", "sh", "-ec", `
			systemd-sysusers
			systemd-tmpfiles --create
			cd `+root+` # and as docs/install.md has it
			chown left4me: . && chmod 0751 . # where it is a link
			chown -R left4me:left4me-game installation steam
			chmod -R g+rwX,o-w installation
			printf '%s' '`+secret+`' >/etc/left4me/left4me.env
			chmod 0640 /etc/left4me/left4me.env
			chgrp left4me /etc/left4me/left4me.env
			systemctl daemon-reload
			systemctl restart polkit
			systemctl enable --now --quiet left4me`),
	} {
		if err := c.Run(); err != nil {
			return fmt.Errorf("%s: %w", strings.Join(c.Args, " "), err)
		}
	}
	return becomesReady()
}

// becomesReady waits until left4me answers and reports no missing prerequisite.
func becomesReady() error {
	for deadline := time.Now().Add(30 * time.Second); !ready(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			out, _ := in("journalctl", "--no-pager", "-u", "left4me")
			return fmt.Errorf("left4me is not ready:\n%s", out)
		}
	}
	return nil
}

// ready reports whether left4me answers and reports no missing prerequisite.
func ready() bool {
	resp, err := client.Get("http://left4me/readyz")
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

func command(name string, args ...string) *exec.Cmd {
	c := exec.Command(name, args...)
	c.Stdout, c.Stderr = os.Stderr, os.Stderr
	return c
}

// in runs a command in the machine as root and returns its output.
func in(args ...string) (string, error) {
	c := exec.Command("./machine", append([]string{"exec"}, args...)...)
	out, err := c.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// as runs a command in the machine as another user and returns its output.
func as(user string, args ...string) (string, error) {
	return in(append([]string{"runuser", "-u", user, "--"}, args...)...)
}

func must(t *testing.T, args ...string) string {
	t.Helper()
	out, err := in(args...)
	if err != nil {
		t.Fatalf("%q: %v\n%s", args, err, out)
	}
	return out
}

// property returns a property of a unit, as systemctl shows it.
func property(t *testing.T, unit, name string) string {
	t.Helper()
	return must(t, "systemctl", "show", "--value", "--property="+name, unit)
}

// status returns a field of /proc/PID/status.
func status(t *testing.T, pid, field string) string {
	t.Helper()
	for line := range strings.Lines(must(t, "cat", "/proc/"+pid+"/status")) {
		if v, ok := strings.CutPrefix(line, field+":"); ok {
			return strings.Join(strings.Fields(v), " ")
		}
	}
	t.Fatalf("process %[2]s has no %[1]s", field, pid)
	return ""
}

// mounts returns the overlay mounts of a server in the mount namespace of systemd, each with its id
// and options.
func mounts(t *testing.T, name string) []string {
	t.Helper()
	var found []string
	for line := range strings.Lines(must(t, "cat", "/proc/1/mountinfo")) {
		if f := strings.Fields(line); strings.HasSuffix(f[4], "/left4me/runtime/"+name+"/merged") { // the root may be a symbolic link
			found = append(found, f[0]+" "+f[5]+" "+f[len(f)-3])
		}
	}
	return found
}

func wantMounts(t *testing.T, name string, want int) {
	t.Helper()
	if got := mounts(t, name); len(got) != want {
		t.Errorf("mounts of %s: %q, want %d", name, got, want)
	}
}

// eventually waits until a condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	within(t, 30*time.Second, what, holds)
}

// within waits until a condition holds, at most for limit.
func within(t *testing.T, limit time.Duration, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(limit); !holds(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s", limit, what)
		}
	}
}

// client sends requests to left4me over its local socket, as root.
var client = &http.Client{
	Timeout: 60 * time.Second,
	Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", outside+"/run/left4me/api.sock")
	}},
}

func call(t *testing.T, method, path string, body, into any) (code int) {
	t.Helper()
	var r io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		r = bytes.NewReader(b)
	}
	req, err := http.NewRequest(method, "http://left4me/api/v1"+path, r)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err == nil && into != nil {
		err = json.Unmarshal(b, into)
	}
	if err != nil {
		t.Fatalf("%s %s: %d %s: %v", method, path, resp.StatusCode, b, err)
	}
	return resp.StatusCode
}

type job struct {
	ID    string
	State string
	Steps []step
	Error struct{ Kind, Text, Hint string }
}

type step struct{ Label, State, Note, Warning string }

type server struct {
	State   string
	PID     int
	Players int
	Map     string
	Reason  string
}

// do starts a job and waits for its end.
func do(t *testing.T, method, path string) job {
	t.Helper()
	var j job
	if code := call(t, method, path, nil, &j); code != http.StatusAccepted {
		t.Fatalf("%s %s: status %d", method, path, code)
	}
	eventually(t, method+" "+path+" ends", func() bool {
		call(t, "GET", "/jobs/"+j.ID, nil, &j)
		return j.State != "queued" && j.State != "running"
	})
	return j
}

// done is like do but fails the test unless the job succeeds.
func done(t *testing.T, method, path string) {
	t.Helper()
	if j := do(t, method, path); j.State != "done" {
		t.Fatalf("%s %s: %+v\n%s", method, path, j, must(t, "journalctl", "--no-pager", "-n", "40", "-o", "short-monotonic"))
	}
}

func show(t *testing.T, name string) server {
	t.Helper()
	var s server
	if code := call(t, "GET", "/servers/"+name, nil, &s); code != http.StatusOK {
		t.Fatalf("server %s: status %d", name, code)
	}
	return s
}

// running makes sure that a server runs, and returns the process id of its game.
func running(t *testing.T, name string) (pid string) {
	t.Helper()
	if skip != "" {
		t.Skip(skip)
	}
	if code := call(t, "GET", "/servers/"+name, nil, nil); code == http.StatusNotFound {
		if code := call(t, "POST", "/servers", map[string]string{"name": name}, nil); code != http.StatusCreated {
			t.Fatalf("create %s: status %d", name, code)
		}
	}
	done(t, "POST", "/servers/"+name+"/start")
	wantUp(t, name)
	return strconv.Itoa(show(t, name).PID)
}

func wantUp(t *testing.T, name string) {
	t.Helper()
	eventually(t, name+" runs", func() bool { s := show(t, name); return s.State == "running" && s.PID > 0 })
}
