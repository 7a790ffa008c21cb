package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/host/diagnosis/remedy"
	"github.com/left4me/left4me/internal/left4me"
)

// person runs shell commands in a home directory without any settings for left4me.
type person struct {
	home string
	env  []string
	cred *syscall.Credential // nil for the user of the tests
}

// people returns root and an unprivileged user, as far as the tests can run as both.
func people(t *testing.T) map[string]*person {
	t.Helper()
	if remedy.Systemd() {
		t.Skip("systemd runs here; test/e2e covers machines with systemd")
	}
	program, err := exec.LookPath("left4me") // the program built by testscript.Main
	if err != nil {
		t.Fatal(err)
	}
	make := func(cred *syscall.Credential) *person {
		// The path of a socket is limited to 108 bytes, and the unprivileged user must have access.
		home, err := os.MkdirTemp("", "l4m-")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.RemoveAll(home) })
		bin := filepath.Join(home, "bin")
		for _, err := range []error{os.Mkdir(bin, 0o755), os.Chmod(home, 0o755), os.Link(program, filepath.Join(bin, "left4me"))} {
			if err != nil {
				t.Fatal(err)
			}
		}
		if cred != nil {
			if err := os.Chown(home, int(cred.Uid), int(cred.Gid)); err != nil {
				t.Fatal(err)
			}
		}
		return &person{home: home, cred: cred, env: []string{
			"HOME=" + home, "PATH=" + bin + ":" + os.Getenv("PATH"), "TMPDIR=" + home, "GORACE=atexit_sleep_ms=0",
			"LEFT4ME_LISTEN=127.0.0.1:0", "LEFT4ME_SUPERVISOR=process", "LEFT4ME_RESERVE=0",
			"LEFT4ME_STEAM_API_URL=http://127.0.0.1:9", "LEFT4ME_STEAMCMD_URL=http://127.0.0.1:9/x",
		}}
	}
	all := map[string]*person{"the user of the tests": make(nil)}
	if os.Geteuid() == 0 {
		all["an ordinary user"] = make(&syscall.Credential{Uid: 65534, Gid: 65534})
	}
	return all
}

func (p *person) command(ctx context.Context, line string, env ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, "sh", "-c", line)
	c.Dir, c.Env = p.home, append(append([]string{}, p.env...), env...)
	c.SysProcAttr = &syscall.SysProcAttr{Credential: p.cred, Setpgid: true}
	return c
}

// fails runs a command that must fail and returns its output.
func (p *person) fails(t *testing.T, line string, env ...string) string {
	t.Helper()
	out, err := p.command(t.Context(), line, env...).CombinedOutput()
	if err == nil {
		t.Fatalf("%s did not fail: %s", line, out)
	}
	return string(out)
}

var quoted = regexp.MustCompile("(as root: )?`([^`]+)`")

// hinted returns the first command in a hint that does not require root.
func hinted(t *testing.T, said string) string {
	t.Helper()
	m := quoted.FindStringSubmatch(said)
	if m == nil {
		t.Fatalf("found no command in %q", said)
	}
	return m[2]
}

// serve runs a command that starts left4me and waits until it is ready. stop ends it.
func (p *person) serve(t *testing.T, hint string, env ...string) (stop func()) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	c := p.command(t.Context(), "exec env "+hint, env...)
	c.Stdout, c.Stderr = w, w
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	stop = func() { _ = syscall.Kill(-c.Process.Pid, syscall.SIGTERM); _ = c.Wait() }
	t.Cleanup(stop)
	var said bytes.Buffer
	if err := r.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	for b := make([]byte, 4096); !servesLine.Match(said.Bytes()); {
		n, err := r.Read(b)
		said.Write(b[:n])
		if err != nil {
			t.Fatalf("%s: %v: %s", hint, err, &said)
		}
	}
	return stop
}

// These are the hints without systemd; test/e2e covers those with systemd.
func TestHintsAreCommandsThatWork(t *testing.T) {
	for who, p := range people(t) {
		t.Run(who, func(t *testing.T) {
			t.Parallel()
			t.Run("starting left4me", p.testStart)
			t.Run("own directory", p.testOwnDirectory)
			t.Run("doctor", p.testDoctor)
			t.Run("doctor checks commands", p.testDoctorOfCommands)
		})
	}
}

// The hint about starting left4me must start it, and the hints about invalid tokens and keys must solve
// the problem.
func (p *person) testStart(t *testing.T) {
	root := "LEFT4ME_ROOT=" + filepath.Join(p.home, "left4me")
	down := p.fails(t, "left4me server list", root)
	hint := hinted(t, down)
	if !strings.HasSuffix(hint, "left4me serve") {
		t.Errorf("%q: got hint %s", down, hint)
	}
	stop := p.serve(t, hint, root)
	if out, err := p.command(t.Context(), "left4me server list", root).CombinedOutput(); err != nil {
		t.Errorf("after %s: %v %s", hint, err, out)
	}
	// Invalid tokens: the socket needs no token.
	for _, token := range []string{"no token", "l4m_0000000000000000000000000000000000000000"} {
		wrong := p.fails(t, "left4me server list", root, "LEFT4ME_TOKEN="+token)
		if out, err := p.command(t.Context(), hinted(t, wrong)+"; left4me server list", root,
			"LEFT4ME_TOKEN="+token).CombinedOutput(); err != nil {
			t.Errorf("the hint of %q does not help: %v %s", wrong, err, out)
		}
	}
	stop()
	// An invalid key: the hint must create a valid one.
	keyless := p.fails(t, "left4me serve", root)
	p.serve(t, "sh -c '"+hinted(t, keyless)+"; exec left4me serve'", root)()
}

// A user other than left4me's gets a command with a directory of their own.
func (p *person) testOwnDirectory(t *testing.T) {
	if writable(defaultRoot) && p.cred == nil {
		t.Skip("this user may create " + defaultRoot)
	}
	hint := hinted(t, p.fails(t, "left4me server list"))
	if !strings.HasPrefix(hint, "LEFT4ME_ROOT=~/left4me LEFT4ME_SECRET_KEY=$(") {
		t.Fatalf("got hint %s", hint)
	}
	p.serve(t, hint)()
}

// Each command suggested by doctor must exist.
func (p *person) testDoctor(t *testing.T) {
	for _, c := range p.doctor(t, "LEFT4ME_ROOT="+filepath.Join(p.home, "left4me")) {
		for _, m := range quoted.FindAllStringSubmatch(c.Mend, -1) {
			program := m[2]
			for word := range strings.FieldsSeq(m[2]) {
				if program = word; !strings.Contains(word, "=") { // skip variable assignments
					break
				}
			}
			if out, err := p.command(t.Context(), "command -v "+left4me.ShellWord(program)).CombinedOutput(); err != nil {
				t.Errorf("%s suggests %q, but %s is not installed: %s", c.Name, m[2], program, out)
			}
		}
	}
}

// doctor returns the checks of `left4me doctor`.
func (p *person) doctor(t *testing.T, env ...string) []left4me.Check {
	t.Helper()
	out, _ := p.command(t.Context(), "left4me doctor --json", env...).Output() // fails if something is broken
	var found struct{ Checks []left4me.Check }
	if err := json.Unmarshal(out, &found); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return found.Checks
}

// doctor must check the target set by LEFT4ME_URL and LEFT4ME_TOKEN.
func (p *person) testDoctorOfCommands(t *testing.T) {
	root := "LEFT4ME_ROOT=" + filepath.Join(p.home, "none")
	check := func(name string, env ...string) left4me.Check {
		t.Helper()
		for _, c := range p.doctor(t, env...) {
			if c.Name == name {
				return c
			}
		}
		return left4me.Check{}
	}
	if c := check("commands", root, "LEFT4ME_URL=http://127.0.0.1:9"); c.State != left4me.CheckBroken ||
		!strings.Contains(c.Text, "cannot connect to ") {
		t.Errorf("closed port: got %+v", c)
	}
	if c := check("this machine", root, "LEFT4ME_URL=http://127.0.0.1:9"); c.State != left4me.CheckSkipped {
		t.Errorf("machine without left4me: got %+v", c)
	}
	defer p.serve(t, hinted(t, p.fails(t, "left4me server list", root)), root)()
	if c := check("commands", root); c.State != left4me.CheckOK {
		t.Errorf("socket: got %+v", c)
	}
	if c := check("commands", root, "LEFT4ME_TOKEN=l4m_0000000000000000000000000000000000000000"); c.State != left4me.CheckBroken ||
		!strings.Contains(c.Mend, "unset LEFT4ME_TOKEN") {
		t.Errorf("invalid token: got %+v", c)
	}
}

var mentioned = regexp.MustCompile(`left4me ([a-z][a-z-]*)(?: ([a-z][a-z-]*))?`)

// Every left4me command named in the source must exist.
func TestHintsNameExistingCommands(t *testing.T) {
	root := command()
	names := map[string]bool{}
	for _, c := range root.Commands() {
		names[c.Name()] = true
	}
	seen := 0
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil ||
			d.IsDir() &&
				(strings.HasPrefix(d.Name(), ".") && len(d.Name()) > 2 || d.Name() == "test" || d.Name() == "sim" ||
					d.Name() == "node_modules") {
			if err == nil {
				err = fs.SkipDir
			}
			return err
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			lit, ok := n.(*ast.BasicLit)
			if !ok || lit.Kind != token.STRING {
				return true
			}
			text, err := strconv.Unquote(lit.Value)
			if err != nil {
				return true
			}
			for _, m := range mentioned.FindAllStringSubmatch(text, -1) {
				if !names[m[1]] { // a sentence such as "left4me serves here"
					continue
				}
				seen++
				found, _, err := root.Find(m[1:2])
				if err != nil || !found.HasSubCommands() || m[2] == "" {
					continue
				}
				if sub, _, err := found.Find(m[2:3]); err != nil || sub == found {
					t.Errorf("%s names the unknown command left4me %s %s", strings.TrimPrefix(path, "../../"), m[1], m[2])
				}
			}
			return true
		})
		return nil
	})
	if err != nil || seen < 20 {
		t.Errorf("found only %d commands: %v", seen, err)
	}
}

func TestServeCommandLineSetsMissingSettings(t *testing.T) {
	env := func(values ...string) func(string) string {
		return func(name string) string {
			for _, v := range values {
				if k, v, _ := strings.Cut(v, "="); k == name {
					return v
				}
			}
			return ""
		}
	}
	// Only missing settings are added.
	dir := t.TempDir()
	for _, tt := range []struct{ env, want string }{
		{"LEFT4ME_ROOT=" + dir + " LEFT4ME_SECRET_KEY=" + testSecret, "left4me serve"},
		{"LEFT4ME_ROOT=" + dir + " LEFT4ME_SECRET_KEY_FILE=/key", "left4me serve"},
		{"LEFT4ME_ROOT=" + dir, "LEFT4ME_SECRET_KEY=$(" + keyCommand() + ") left4me serve"},
		{"LEFT4ME_SECRET_KEY=" + testSecret, "LEFT4ME_ROOT=" + dir + " left4me serve"},
		{"LEFT4ME_ROOT=/proc/x LEFT4ME_SECRET_KEY=" + testSecret, "LEFT4ME_ROOT=" + dir + " left4me serve"},
	} {
		if got := serveCommandLine(dir, env(strings.Fields(tt.env)...)); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.env, got, tt.want)
		}
	}
	if got := fmt.Sprint(underSystemd(dir)); got != "false" {
		t.Error("underSystemd is true for a test directory")
	}
}
