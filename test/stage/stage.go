// Package stage sets up the real left4me for tests from outside: it builds the programs once, creates
// a root with a simulated installation and overlays, runs a left4me on that root that tests can
// kill and restart, and sends requests to its API.
//
// Every process that it starts ends with the test, including game servers that outlive left4me.
package stage

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/api/apitest"
	"github.com/left4me/left4me/internal/mountinfo"
	"github.com/left4me/left4me/sim/installation"
	"github.com/left4me/left4me/sim/programs"
	"github.com/left4me/left4me/sim/steamapi"
)

// Patience is the time limit for an expected condition. No test waits until it has passed.
const Patience = 60 * time.Second

// Programs holds the paths of the built programs.
type Programs struct{ Left4me, Srcds, SteamCMD string }

var built string // the directory that Build created, or empty

var build = sync.OnceValues(func() (Programs, error) {
	// Already built by script/test or by the parent process (see AsUser and disktest).
	if dir := os.Getenv(programs.Var); dir != "" {
		return programsIn(dir), nil
	}
	dir, err := os.MkdirTemp("", "left4me-stage")
	if err != nil {
		return Programs{}, err
	}
	built = dir
	if _, err := programs.Build(dir, "cmd/left4me"); err != nil {
		return Programs{}, err
	}
	return programsIn(dir), os.Setenv(programs.Var, dir)
})

func programsIn(dir string) Programs {
	return Programs{Left4me: filepath.Join(dir, "left4me"), Srcds: filepath.Join(dir, "srcds"), SteamCMD: filepath.Join(dir, "steamcmd")}
}

// Build builds the programs once for all tests of a package, including the child processes that
// tests start. TestMain must call Clean at its end.
func Build(tb testing.TB) Programs {
	tb.Helper()
	p, err := build()
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

// Clean removes the programs that Build built.
func Clean() {
	if built != "" {
		os.RemoveAll(built)
	}
}

// AsUser runs a test of this program again in a child process as an unprivileged user, with an
// empty /opt that everybody may write to. It skips the test unless root runs it.
func AsUser(tb testing.TB, test string, env ...string) {
	tb.Helper()
	if os.Geteuid() != 0 {
		tb.Skip("needs root")
	}
	dir := filepath.Dir(Build(tb).Left4me)
	tmp, err := os.MkdirTemp("", "left4me-user")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { os.RemoveAll(tmp) })
	for _, d := range []string{dir, tmp} {
		if err := os.Chmod(d, 0o777); err != nil {
			tb.Fatal(err)
		}
	}
	self, err := os.Open("/proc/self/exe") // the user may lack access to the path
	if err != nil {
		tb.Fatal(err)
	}
	defer self.Close()
	cmd := exec.Command("unshare", "--mount", "sh", "-c",
		`mount -t tmpfs -o mode=1777 none /opt && cd "$0" && exec setpriv --reuid=65534 --regid=65534 --clear-groups -- "$@"`,
		tmp, "/proc/self/fd/3", "-test.v", "-test.run="+test)
	cmd.Env = append(append(os.Environ(), "TMPDIR="+tmp, "HOME="+tmp, programs.Var+"="+dir), env...)
	cmd.ExtraFiles = []*os.File{self}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS") {
		tb.Fatalf("as an unprivileged user: %v\n%s", err, out)
	}
}

// Stage is a root with a simulated installation, and the left4me that serves it.
type Stage struct {
	Programs
	Root    string
	Address string // address of the panel; set by Serve
	Env     []string
	API     *apitest.Description // Call checks every answer against it

	serve *exec.Cmd
	done  chan struct{}
	log   *lockedBuffer
	http  *http.Client

	RequestID string // sent with each request unless empty
}

// New creates a root with a simulated installation and the three overlays. Servers get ports from
// firstPort to firstPort+99. env is added to the environment of left4me and its servers.
func New(tb testing.TB, firstPort int, env ...string) *Stage {
	tb.Helper()
	p := Build(tb)
	// TempDir can't remove the work directories of overlayfs: they must be made readable first.
	root, err := os.MkdirTemp("", "left4me-root")
	if err != nil {
		tb.Fatal(err)
	}
	described, err := apitest.Open()
	if err != nil {
		tb.Fatal(err)
	}
	s := &Stage{Programs: p, Root: root, log: &lockedBuffer{}, API: described}
	s.Env = append(os.Environ(),
		"LEFT4ME_ROOT="+root, "LEFT4ME_RUN="+filepath.Join(root, "run"), "LEFT4ME_LISTEN=127.0.0.1:0",
		// No request of a test may leave this machine.
		"LEFT4ME_PUBLIC_ADDRESS=127.0.0.1", "LEFT4ME_STEAM_API_URL=http://127.0.0.1:9", "LEFT4ME_STEAMCMD_URL=http://127.0.0.1:9/x",
		"LEFT4ME_SECRET_KEY=k9Zq3vT7xw2Lr8Yd5Bn1Hs6Fj4Gm0PcQeUaWo", "LEFT4ME_SUPERVISOR=process", "LEFT4ME_RESERVE=1M",
		fmt.Sprintf("LEFT4ME_PORT_RANGE=%d-%d", firstPort, firstPort+99))
	s.Env = append(s.Env, env...)
	s.http = &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", filepath.Join(root, "run", "api.sock"))
		},
	}}
	tb.Cleanup(func() { s.clean(tb) })
	if err := installation.Lay(filepath.Join(root, "installation", "base"), installation.Options{Server: p.Srcds}); err != nil {
		tb.Fatal(err)
	}
	for _, kind := range installation.OverlayKinds() {
		if err := installation.LayOverlay(filepath.Join(root, "overlays", string(kind), "1"), kind, installation.Options{}); err != nil {
			tb.Fatal(err)
		}
	}
	return s
}

// Steam installs a simulated SteamCMD where left4me expects its own. vars are variables of
// sim/steamcmd; they define what Steam offers from now on.
func (s *Stage) Steam(tb testing.TB, vars ...string) {
	tb.Helper()
	args := append([]string{"lay", filepath.Join(s.Root, "steam", "steamcmd"), "SIM_STEAM_SRCDS=" + s.Srcds, "SIM_STEAM_ANONYMOUS=1"},
		vars...)
	if out, err := exec.Command(s.SteamCMD, args...).CombinedOutput(); err != nil {
		tb.Fatalf("%v\n%s", err, out)
	}
}

var serves = regexp.MustCompile(`address=http://([0-9.:]+)`)

// Steam starts a simulated Steam API with a workshop. env is the environment that makes left4me use
// it; pass it to New.
func Steam(tb testing.TB, items map[string]steamapi.Item) (steam *steamapi.Server, env []string) {
	tb.Helper()
	steam = steamapi.New(steamapi.State{Versions: map[int]int{550: 2243}, Items: items})
	server := httptest.NewServer(steam)
	tb.Cleanup(server.Close)
	return steam, []string{"LEFT4ME_STEAM_API_URL=" + server.URL, "LEFT4ME_DOWNLOAD_ALLOW=" + strings.TrimPrefix(server.URL, "http://")}
}

// Serve starts left4me and returns once left4me is ready.
func (s *Stage) Serve(tb testing.TB) {
	tb.Helper()
	s.log.Reset()
	s.serve = exec.Command(s.Left4me, "serve")
	s.serve.Env, s.serve.Stderr = s.Env, s.log
	if err := s.serve.Start(); err != nil {
		tb.Fatal(err)
	}
	s.done = make(chan struct{})
	go func() {
		defer close(s.done)
		_ = s.serve.Wait()
	}()
	Until(tb, "left4me serves", func() bool {
		select {
		case <-s.done:
			tb.Fatalf("left4me ended: %s", s.log)
		default:
		}
		m := serves.FindStringSubmatch(s.log.String())
		if m == nil {
			return false
		}
		s.Address = m[1]
		return true
	})
	// left4me must log its address only once it is ready.
	r, err := s.http.Get("http://left4me/readyz")
	if err != nil {
		tb.Fatal(err)
	}
	defer r.Body.Close()
	if b, _ := io.ReadAll(r.Body); r.StatusCode != http.StatusOK {
		tb.Fatalf("left4me logged its address before it was ready: %s", b)
	}
}

// PID returns the process id of the running left4me.
func (s *Stage) PID() int { return s.serve.Process.Pid }

// Log returns the log of the running left4me.
func (s *Stage) Log() string { return s.log.String() }

// Kill ends left4me with SIGKILL and waits for its exit.
func (s *Stage) Kill() { s.end(syscall.SIGKILL) }

// Stop ends left4me with SIGTERM and waits for its exit. Its servers keep running.
func (s *Stage) Stop() { s.end(syscall.SIGTERM) }

func (s *Stage) end(sig syscall.Signal) {
	if s.serve == nil {
		return
	}
	_ = s.serve.Process.Signal(sig)
	<-s.done
	s.serve = nil
	s.http.CloseIdleConnections()
}

// clean stops all processes and removes the root. It fails the test if a process is left.
func (s *Stage) clean(tb testing.TB) {
	if tb.Failed() {
		tb.Logf("log of left4me:\n%s", s.log)
	}
	s.Stop()
	for _, pid := range s.Shims() {
		_ = syscall.Kill(pid, syscall.SIGTERM)
	}
	deadline := time.Now().Add(30 * time.Second)
	for len(s.Shims()) > 0 && time.Now().Before(deadline) {
		time.Sleep(20 * time.Millisecond)
	}
	if left := s.Processes(); len(left) > 0 {
		tb.Errorf("left running: %v", left)
		for _, pid := range left {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
	_ = exec.Command("chmod", "-R", "u+rwX", s.Root).Run()
	if err := os.RemoveAll(s.Root); err != nil {
		tb.Error(err)
	}
}

// Shims returns the process ids of the shims (`left4me run`) of this root.
func (s *Stage) Shims() []int {
	return s.processes(func(exe string) bool { return exe == s.Left4me }, true)
}

// Games returns the process ids of the simulated servers of this root.
func (s *Stage) Games() []int {
	return s.processes(func(exe string) bool { return strings.HasSuffix(exe, "/srcds_linux") }, false)
}

// Processes returns the process ids of all shims and simulated servers of this root.
func (s *Stage) Processes() []int { return append(s.Shims(), s.Games()...) }

// processes returns the processes of a program that belong to this root: a shim has the root in its
// environment, a game in its library path.
func (s *Stage) processes(program func(exe string) bool, shim bool) []int {
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	var found []int
	for _, d := range dirs {
		exe, err := os.Readlink(filepath.Join(d, "exe"))
		if err != nil || !program(strings.TrimSuffix(exe, " (deleted)")) {
			continue
		}
		env, _ := os.ReadFile(filepath.Join(d, "environ"))
		if !bytes.Contains(env, []byte("="+s.Root)) {
			continue
		}
		if line, _ := os.ReadFile(filepath.Join(d, "cmdline")); shim && !bytes.Contains(line, []byte("\x00run\x00")) {
			continue
		}
		pid, _ := strconv.Atoi(filepath.Base(d))
		found = append(found, pid)
	}
	return found
}

// Mounts counts the mount points under the root that this process sees.
func (s *Stage) Mounts() (n int) {
	points, _ := mountinfo.Self()
	for _, p := range points {
		if p != s.Root && mountinfo.Under(p, s.Root) {
			n++
		}
	}
	return n
}

// Call sends a request to the API as the host's administrator and decodes the answer into out,
// which may be nil. It sends in as JSON, or unchanged if in is an io.Reader. It returns the HTTP
// status. An answer that does not match the API description is an error.
func (s *Stage) Call(method, path string, in, out any) (int, error) {
	body, raw := in.(io.Reader)
	if in != nil && !raw {
		b, err := json.Marshal(in)
		if err != nil {
			return 0, err
		}
		body = bytes.NewReader(b)
	}
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, "http://left4me/api/v1"+path, body)
	if err != nil {
		return 0, err
	}
	r.Header.Set("Content-Type", "application/json")
	if s.RequestID != "" {
		r.Header.Set("X-Request-Id", s.RequestID)
	}
	a, err := s.http.Do(r)
	if err != nil {
		return 0, err
	}
	defer a.Body.Close()
	b, err := io.ReadAll(io.LimitReader(a.Body, 8<<20))
	if err == nil && out != nil && len(b) > 0 {
		err = json.Unmarshal(b, out)
	}
	if err == nil && a.StatusCode >= 400 {
		err = errors.New(string(b))
	}
	if wrong := s.API.Answer(method, "/api/v1"+path, a.StatusCode, a.Header, b); wrong != nil {
		err = wrong
	}
	return a.StatusCode, err
}

// Must is like Call but fails the test on an error.
func (s *Stage) Must(tb testing.TB, method, path string, in, out any) {
	tb.Helper()
	if status, err := s.Call(method, path, in, out); err != nil {
		tb.Fatalf("%s %s: %d %v", method, path, status, err)
	}
}

// Job is the part of the API's job object that tests use.
type Job struct {
	ID     string `json:"id"`
	Kind   string `json:"kind"`
	State  string `json:"state"`
	By     string `json:"by"`
	Reason string `json:"reason"`
	Steps  []struct {
		Label string `json:"label"`
		State string `json:"state"`
		Note  string `json:"note"`
	} `json:"steps"`
	Error *struct {
		Text string `json:"text"`
		Hint string `json:"hint"`
	} `json:"error"`
}

// Ended reports whether the job has reached its final state.
func (j Job) Ended() bool { return j.State != "queued" && j.State != "running" }

// Server is the part of the API's server object that tests use.
type Server struct {
	Name       string `json:"name"`
	State      string `json:"state"`
	Reason     string `json:"reason"`
	Port       int    `json:"port"`
	PID        int    `json:"pid"`
	Map        string `json:"map"`
	Players    int    `json:"players"`
	MaxPlayers int    `json:"max_players"`
	Hostname   string `json:"hostname"`
	Restarts   int    `json:"restarts"`
	Build      int64  `json:"build"`
	Wanted     string `json:"wanted"`
	Held       string `json:"held"`
}

// Create creates a server and returns it.
func (s *Stage) Create(tb testing.TB, name string, settings map[string]any) Server {
	tb.Helper()
	var v Server
	s.Must(tb, "POST", "/servers", map[string]any{"name": name, "settings": settings}, &v)
	return v
}

// Ask requests a job on a server and returns the job, which may still be queued.
func (s *Stage) Ask(tb testing.TB, verb, name string) Job {
	tb.Helper()
	var j Job
	if verb == "delete" {
		s.Must(tb, "DELETE", "/servers/"+name, nil, &j)
	} else {
		s.Must(tb, "POST", "/servers/"+name+"/"+verb, nil, &j)
	}
	return j
}

// Do requests a job on a server, waits for its end and returns it.
func (s *Stage) Do(tb testing.TB, verb, name string) Job {
	tb.Helper()
	return s.Ended(tb, s.Ask(tb, verb, name).ID)
}

// Follow is like Done but waits on the job's event stream, so it returns the moment the job ends.
func (s *Stage) Follow(tb testing.TB, verb, name string) {
	tb.Helper()
	j := s.Ask(tb, verb, name)
	s.Stream(tb, "/jobs/"+j.ID+"/events", func(data []byte) bool {
		if err := json.Unmarshal(data, &j); err != nil {
			tb.Fatal(err)
		}
		return !j.Ended()
	})
	if j.State != "done" {
		tb.Fatalf("%s %s: %+v %+v", verb, name, j, j.Error)
	}
}

// Stream reads server-sent events from path and passes the data of each to f until f returns false.
func (s *Stage) Stream(tb testing.TB, path string, f func(data []byte) bool) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*Patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, "GET", "http://left4me/api/v1"+path, nil)
	if err != nil {
		tb.Fatal(err)
	}
	a, err := s.http.Do(r)
	if err != nil {
		tb.Fatal(err)
	}
	defer a.Body.Close()
	lines := bufio.NewReaderSize(a.Body, 1<<20)
	for {
		line, err := lines.ReadBytes('\n')
		if data, ok := bytes.CutPrefix(line, []byte("data: ")); ok && !f(data) {
			return
		}
		if err != nil {
			tb.Fatalf("%s: %v", path, err)
		}
	}
}

// Done is like Do but fails the test unless the job succeeds.
func (s *Stage) Done(tb testing.TB, verb, name string) Job {
	tb.Helper()
	j := s.Do(tb, verb, name)
	if j.State != "done" {
		tb.Fatalf("%s %s: %+v %+v", verb, name, j, j.Error)
	}
	return j
}

// Ended waits for the end of the job and returns it.
func (s *Stage) Ended(tb testing.TB, id string) Job {
	tb.Helper()
	var j Job
	Until(tb, "job "+id+" ends", func() bool {
		j = Job{}
		_, err := s.Call("GET", "/jobs/"+id, nil, &j)
		return err == nil && j.Ended()
	})
	return j
}

// Server returns a server and reports whether the server exists.
func (s *Stage) Server(name string) (Server, bool) {
	var v Server
	_, err := s.Call("GET", "/servers/"+name, nil, &v)
	return v, err == nil
}

// Until polls ok until it returns true, and fails the test after Patience. what describes the
// condition.
func Until(tb testing.TB, what string, ok func() bool) {
	tb.Helper()
	for deadline := time.Now().Add(Patience); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			tb.Fatalf("not within %s: %s", Patience, what)
		}
	}
}

// lockedBuffer is a buffer for concurrent writes and reads.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *lockedBuffer) Reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.b.Reset()
}
