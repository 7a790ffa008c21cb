package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/left4me/left4me/sim/installation"
	"github.com/left4me/left4me/source/a2s"
	"github.com/left4me/left4me/source/rcon"
)

// patience is the maximum time to wait for something that must happen.
const patience = 30 * time.Second

// program is the path of the server under test.
var program string

func TestMain(m *testing.M) {
	os.Exit(buildAndRun(m))
}

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "srcds")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	program = filepath.Join(dir, "srcds")
	if out, err := exec.Command("go", append(append([]string{"build"}, raceFlags...), "-o", program, ".")...).
		CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// lay creates an installation and adds files, given by name below left4dead2/.
func lay(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	if err := installation.Lay(root, installation.Options{Files: 1, Scale: 0.05, Server: program}); err != nil {
		t.Fatal(err)
	}
	addFiles(t, root, files)
	return root
}

func addFiles(t *testing.T, root string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		file := filepath.Join(root, "left4dead2", name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// process is a running server.
type process struct {
	t    *testing.T
	root string
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *output
	done chan struct{} // closed when the process has ended
	addr netip.AddrPort
}

// usual is the environment of most tests: fast, without players.
var usual = []string{"SIM_PLAYERS=0", "SIM_MAP_LOAD=0", "SIM_SEED=1"}

// launch starts a server in root, on a free port unless args set one. It does not wait for the server.
func launch(t *testing.T, root string, env []string, args ...string) *process {
	t.Helper()
	args = append([]string{"-game", "left4dead2", "-console", "-ip", "127.0.0.1", "-port", "0", "-strictportbind"}, args...)
	cmd := exec.Command("./srcds_linux", args...)
	cmd.Env = append(append(os.Environ(), usual...), env...)
	return run(t, root, cmd)
}

// runUnder starts another program in root, which starts the server.
func runUnder(t *testing.T, root, name string, args ...string) *process {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), usual...)
	return run(t, root, cmd)
}

func run(t *testing.T, root string, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{t: t, root: root, cmd: cmd, out: newOutput(), done: make(chan struct{})}
	p.cmd.Dir = root
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.out
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var err error
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait()
		p.out.close()
		close(p.done)
	}()
	t.Cleanup(func() {
		select {
		case <-p.done:
		default:
			_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) // with its child processes
			<-p.done
		}
		if t.Failed() {
			t.Logf("console:\n%s", p.out.tail())
		}
		if strings.Contains(p.out.String(), "DATA RACE") {
			t.Errorf("data race:\n%s", p.out.tail())
		}
	})
	return p
}

// start starts a server with a map and waits until it answers.
func start(t *testing.T, files map[string]string, env []string, args ...string) *process {
	t.Helper()
	p := launch(t, lay(t, files), env, append(args, "+map", "c1m1_hotel")...)
	p.ready()
	return p
}

// ready waits until the server answers a query, which it does once its map is loaded.
func (p *process) ready() a2s.Info {
	p.t.Helper()
	p.network()
	info, err := p.client().Info(p.context())
	if err != nil {
		p.t.Fatalf("query: %v", err)
	}
	return info
}

// network waits for the console line with the server's address and returns the line.
func (p *process) network() string {
	p.t.Helper()
	line := p.wait("Network: IP ")
	var ip string
	var port uint16
	if _, err := fmt.Sscanf(line, "Network: IP %s mode MP, dedicated Yes, ports %d SV / 0 CL", &ip, &port); err != nil {
		p.t.Fatalf("%q: %v", line, err)
	}
	p.addr = netip.AddrPortFrom(netip.MustParseAddr(strings.TrimSuffix(ip, ",")), port)
	return line
}

func (p *process) context() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	p.t.Cleanup(cancel)
	return ctx
}

// client returns a query client of package a2s.
func (p *process) client() *a2s.Client {
	p.t.Helper()
	c, err := a2s.Dial(p.context(), p.addr.String())
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { c.Close() })
	return c
}

// remote returns an RCON client of package rcon.
func (p *process) remote(password string) *rcon.Client {
	p.t.Helper()
	c, err := rcon.Dial(p.context(), p.addr.String(), password)
	if err != nil {
		p.t.Fatalf("rcon: %v", err)
	}
	p.t.Cleanup(func() { c.Close() })
	return c
}

// typed writes a line to the console.
func (p *process) typed(line string) {
	p.t.Helper()
	if _, err := io.WriteString(p.in, line+"\n"); err != nil && !errors.Is(err, os.ErrClosed) {
		p.t.Fatalf("type %q: %v", line, err)
	}
}

// ask runs console commands and returns their output.
func (p *process) ask(lines ...string) string {
	p.t.Helper()
	begin, end := p.out.mark(), p.out.mark()
	p.typed("echo " + begin)
	for _, line := range lines {
		p.typed(line)
	}
	p.typed("echo " + end)
	p.wait(end)
	_, rest, _ := strings.Cut(p.out.String(), begin+"\n")
	answer, _, _ := strings.Cut(rest, end+"\n")
	return answer
}

// wait waits for a line that contains the text and returns the line.
func (p *process) wait(text string) string {
	p.t.Helper()
	line, ok := p.out.wait(text, patience)
	if !ok {
		p.t.Fatalf("the console did not print %q", text)
	}
	return line
}

// exit waits until the process has ended.
func (p *process) exit() *os.ProcessState {
	p.t.Helper()
	select {
	case <-p.done:
		return p.cmd.ProcessState
	case <-time.After(patience):
		p.t.Fatal("the server does not exit")
		return nil
	}
}

// running fails the test if the server has ended.
func (p *process) running() {
	p.t.Helper()
	select {
	case <-p.done:
		p.t.Fatalf("the server exited: %v", p.cmd.ProcessState)
	default:
	}
}

// output collects the output of a server.
type output struct {
	mu     sync.Mutex
	text   strings.Builder
	more   chan struct{} // closed when text grows
	closed bool
	marks  int
}

func newOutput() *output { return &output{more: make(chan struct{})} }

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text.Write(b)
	close(o.more)
	o.more = make(chan struct{})
	return len(b), nil
}

func (o *output) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	close(o.more)
	o.more = make(chan struct{})
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

func (o *output) tail() string {
	s := o.String()
	return s[max(0, len(s)-8000):]
}

func (o *output) mark() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.marks++
	return fmt.Sprintf("mark-%d-end", o.marks)
}

// wait waits for a complete line that contains the text.
func (o *output) wait(text string, long time.Duration) (string, bool) {
	deadline := time.After(long)
	for {
		o.mu.Lock()
		all, more, closed := o.text.String(), o.more, o.closed
		o.mu.Unlock()
		if i := strings.Index(all, text); i >= 0 {
			begin := strings.LastIndexByte(all[:i], '\n') + 1
			if line, _, whole := strings.Cut(all[begin:], "\n"); whole {
				return line, true
			}
		}
		if closed {
			return "", false
		}
		select {
		case <-more:
		case <-deadline:
			return "", false
		}
	}
}

func itoa(n int) string { return fmt.Sprint(n) }

func sprint(v any) string { return fmt.Sprint(v) }
