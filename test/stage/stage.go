// Package stage sets up the real left4me for tests that look at it from outside:
// the programs, built once; a root with a simulated installation and overlays; a
// left4me that serves it, can be killed and come again; and requests to its API.
//
// Everything it starts ends with the test, game servers that outlive left4me
// among it.
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

// Patience is how long anything that must happen may take. Nothing waits for it
// to pass.
const Patience = 60 * time.Second

// Programs are the built programs.
type Programs struct{ Left4me, Srcds, SteamCMD string }

var built string // the directory that Build made, if it built anything

var build = sync.OnceValues(func() (Programs, error) {
	// By script/test, or by the process that ran this one, as AsUser and disktest do.
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

// Build builds the programs, once for all tests of a package and for the
// processes of it that tests start. Remove them with Clean at the end of TestMain.
func Build(tb testing.TB) Programs {
	tb.Helper()
	p, err := build()
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

// Clean removes what Build built.
func Clean() {
	if built != "" {
		os.RemoveAll(built)
	}
}

// AsUser runs a test of this program once more as an ordinary user, if root runs
// it, with an empty /opt that everybody may write to.
func AsUser(tb testing.TB, test string, env ...string) {
	tb.Helper()
	if os.Geteuid() != 0 {
		tb.Skip("this is an ordinary user")
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
	self, err := os.Open("/proc/self/exe") // the user may not pass to it by name
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
		tb.Fatalf("as an ordinary user: %v\n%s", err, out)
	}
}

// Stage is a root with a simulated installation, and the left4me that serves it.
type Stage struct {
	Programs
	Root    string
	Address string // of the panel, once Serve has returned
	Env     []string
	API     *apitest.Description // every answer that Call gets is checked against it

	serve *exec.Cmd
	done  chan struct{}
	log   *lockedBuffer
	http  *http.Client

	RequestID string // sent with each request; empty: none is
}

// New lays an installation with the three overlays. Ports are those behind
// first; env is added to the environment of left4me and its servers.
func New(tb testing.TB, firstPort int, env ...string) *Stage {
	tb.Helper()
	p := Build(tb)
	// Not TempDir: what overlayfs leaves must be made readable before it can be
	// removed.
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
		// Nothing of a test leaves this machine.
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

// Steam lays out SteamCMD where left4me keeps the one that it fetched, as a
// stand-in: vars are those of sim/steamcmd and say what Steam has from now on.
func (s *Stage) Steam(tb testing.TB, vars ...string) {
	tb.Helper()
	args := append([]string{"lay", filepath.Join(s.Root, "steam", "steamcmd"), "SIM_STEAM_SRCDS=" + s.Srcds, "SIM_STEAM_ANONYMOUS=1"},
		vars...)
	if out, err := exec.Command(s.SteamCMD, args...).CombinedOutput(); err != nil {
		tb.Fatalf("%v\n%s", err, out)
	}
}

var serves = regexp.MustCompile(`address=http://([0-9.:]+)`)

// Steam starts a simulated Steam with a workshop, and returns what New has to be
// given so that left4me asks it and downloads from it.
func Steam(tb testing.TB, items map[string]steamapi.Item) (steam *steamapi.Server, env []string) {
	tb.Helper()
	steam = steamapi.New(steamapi.State{Versions: map[int]int{550: 2243}, Items: items})
	server := httptest.NewServer(steam)
	tb.Cleanup(server.Close)
	return steam, []string{"LEFT4ME_STEAM_API_URL=" + server.URL, "LEFT4ME_DOWNLOAD_ALLOW=" + strings.TrimPrefix(server.URL, "http://")}
}

// Serve starts left4me and returns when it answers.
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
	// It says that it serves when it is ready, not before.
	r, err := s.http.Get("http://left4me/readyz")
	if err != nil {
		tb.Fatal(err)
	}
	defer r.Body.Close()
	if b, _ := io.ReadAll(r.Body); r.StatusCode != http.StatusOK {
		tb.Fatalf("left4me said that it serves, and is not ready: %s", b)
	}
}

// PID is the process of the left4me that serves.
func (s *Stage) PID() int { return s.serve.Process.Pid }

// Log is what the left4me that serves has logged.
func (s *Stage) Log() string { return s.log.String() }

// Kill ends left4me by SIGKILL and waits for its end.
func (s *Stage) Kill() { s.end(syscall.SIGKILL) }

// Stop ends left4me in good order. Its servers run on.
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

// clean ends everything and removes the root. A process that is left is a
// failure of the test.
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

// Shims are the processes `left4me run` of this root.
func (s *Stage) Shims() []int {
	return s.processes(func(exe string) bool { return exe == s.Left4me }, true)
}

// Games are the simulated servers of this root.
func (s *Stage) Games() []int {
	return s.processes(func(exe string) bool { return strings.HasSuffix(exe, "/srcds_linux") }, false)
}

// Processes are all shims and simulated servers of this root.
func (s *Stage) Processes() []int { return append(s.Shims(), s.Games()...) }

// processes finds those of a program that work in this root: a shim has it in
// its environment, a game in its library path.
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

// Mounts counts the mount points that this process sees beneath the root.
func (s *Stage) Mounts() (n int) {
	points, _ := mountinfo.Self()
	for _, p := range points {
		if p != s.Root && mountinfo.Under(p, s.Root) {
			n++
		}
	}
	return n
}

// Call sends a request to the API as the machine's administrator and reads the
// answer into out, which may be nil. in is sent as JSON; an io.Reader as it is. It
// returns the status. An answer that is not as described is an error.
func (s *Stage) Call(method, path string, in, out any) (int, error) {
	body, raw := in.(io.Reader) // sent as it is
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

// Must is Call for requests that can't fail.
func (s *Stage) Must(tb testing.TB, method, path string, in, out any) {
	tb.Helper()
	if status, err := s.Call(method, path, in, out); err != nil {
		tb.Fatalf("%s %s: %d %v", method, path, status, err)
	}
}

// Job is a job as the API tells it.
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

// Ended reports whether it will not change any more.
func (j Job) Ended() bool { return j.State != "queued" && j.State != "running" }

// Server is a server as the API tells it.
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

// Ask asks for a job on a server and returns it as it is then.
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

// Do asks for a job on a server, waits for its end and returns it.
func (s *Stage) Do(tb testing.TB, verb, name string) Job {
	tb.Helper()
	return s.Ended(tb, s.Ask(tb, verb, name).ID)
}

// Follow is Done by the job's own event stream: it returns at the moment of the
// end.
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

// Stream reads server-sent events and hands over the data of each until f says
// that it has seen enough.
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

// Done is Do for a job that must succeed.
func (s *Stage) Done(tb testing.TB, verb, name string) Job {
	tb.Helper()
	j := s.Do(tb, verb, name)
	if j.State != "done" {
		tb.Fatalf("%s %s: %+v %+v", verb, name, j, j.Error)
	}
	return j
}

// Ended waits for the end of a job.
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

// Server returns a server, and whether there is one.
func (s *Stage) Server(name string) (Server, bool) {
	var v Server
	_, err := s.Call("GET", "/servers/"+name, nil, &v)
	return v, err == nil
}

// Until waits for a condition.
func Until(tb testing.TB, what string, ok func() bool) {
	tb.Helper()
	for deadline := time.Now().Add(Patience); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			tb.Fatalf("not within %s: %s", Patience, what)
		}
	}
}

// lockedBuffer is a buffer that is written and read at once.
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
