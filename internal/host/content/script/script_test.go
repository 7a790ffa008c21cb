package script_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/disk"
	"github.com/left4me/left4me/internal/host/content/sandbox"
	"github.com/left4me/left4me/internal/host/content/script"
	"github.com/left4me/left4me/internal/host/running/instance"
	"github.com/left4me/left4me/internal/host/running/process"
	"github.com/left4me/left4me/internal/host/running/shim/shimtest"
	"github.com/left4me/left4me/internal/left4me"
)

func TestMain(m *testing.M) {
	code := shimtest.Main(m)
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// site is a root in which scripts run in the sandbox of the process supervisor.
type site struct {
	script.Builder
	t *testing.T

	mu    sync.Mutex
	lines []string
	runs  int
}

func newSite(t *testing.T) *site {
	t.Helper()
	t.Parallel()
	root := t.TempDir()
	if err := errors.Join(os.Mkdir(filepath.Join(root, "tmp"), 0o751),
		os.WriteFile(filepath.Join(root, "left4me.db"), []byte("secret"), 0o644)); err != nil {
		t.Fatal(err)
	}
	s := &site{t: t}
	s.Builder = script.Builder{
		Root:    root,
		Machine: process.New(process.Config{Root: instance.Root(root), Run: filepath.Join(root, "run"), Exe: shimtest.Exe()}),
	}
	return s
}

func (s *site) job(text string) script.Job {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.runs++
	return script.Job{
		ID: left4me.Name(fmt.Sprintf("run%d", s.runs)), Overlay: "maps", Script: text,
		Print: func(line string) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.lines = append(s.lines, line)
		},
	}
}

func (s *site) printed() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.lines, "\n") + "\n"
}

func never() bool { return false }

// run runs a script and returns the directory its files were copied to.
func (s *site) run(ctx context.Context, j script.Job) (dir string, took script.Totals, err error) {
	s.t.Helper()
	dir = s.t.TempDir()
	into, err := os.OpenRoot(dir)
	if err != nil {
		s.t.Fatal(err)
	}
	defer into.Close()
	took, err = s.Run(ctx, j, into, never)
	if left, _ := filepath.Glob(filepath.Join(s.Root, "tmp", "*")); len(left) > 0 {
		s.t.Errorf("files left in tmp: %q", left)
	}
	return dir, took, err
}

func TestFilesOfScriptAreCopied(t *testing.T) {
	s := newSite(t)
	j := s.job(`
		mkdir -p left4dead2/cfg "$OUT/left4dead2/addons"
		echo "// $LEFT4ME_OVERLAY" >left4dead2/cfg/a.cfg
		printf '#!/bin/sh\n' >left4dead2/run; chmod 4755 left4dead2/run
		echo made; printf '\033[31mred\033[0m and \001odd\n'; printf 'no end' >&2`)
	dir, took, err := s.run(t.Context(), j)
	if err != nil || took.Files != 2 {
		t.Fatal(took, err, s.printed())
	}
	if b, err := os.ReadFile(filepath.Join(dir, "left4dead2/cfg/a.cfg")); err != nil || string(b) != "// maps\n" {
		t.Errorf("a.cfg = %q, %v", b, err)
	}
	if st, err := os.Stat(filepath.Join(dir, "left4dead2/run")); err != nil || st.Mode()&(fs.ModeSetuid|0o100) != 0o100 {
		t.Errorf("mode of run = %v, %v", st.Mode(), err)
	}
	if st, err := os.Stat(filepath.Join(dir, "left4dead2/addons")); err != nil || !st.IsDir() {
		t.Error("the empty directory is missing", err)
	}
	if got := s.printed(); got != "made\nred and odd\nno end\n" {
		t.Errorf("output = %q", got)
	}
	if b, err := os.ReadFile(s.LogFile("maps", j.ID)); err != nil || !strings.Contains(string(b), "\033[31mred") {
		t.Errorf("log = %q, %v", b, err)
	}
}

// A sparse file uses no disk space and must use none as a copy. Files that don't fit are refused before
// anything is copied.
func TestCopyKeepsHolesAndFreeSpace(t *testing.T) {
	s := newSite(t)
	if tmp := filepath.Join(s.Root, "tmp"); os.Geteuid() == 0 { // a disk smaller than the copy limit
		if err := unix.Mount("tmpfs", tmp, "tmpfs", 0, "size=1g,mode=0751"); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = unix.Unmount(tmp, unix.MNT_DETACH) })
	}
	var total int64
	j := s.job("truncate -s 200M holes.txt; echo x >>holes.txt")
	j.Copied = func(done, all int64) { total = all }
	dir, took, err := s.run(t.Context(), j)
	var st unix.Stat_t
	if err == nil {
		err = unix.Stat(filepath.Join(dir, "left4dead2/holes.txt"), &st)
	}
	if err != nil || took.Bytes != 200<<20+2 || total != took.Bytes || st.Size != took.Bytes || st.Blocks*512 > 10<<20 {
		t.Errorf("%+v, progress %d, %d of %d bytes on disk, %v", took, total, st.Blocks*512, st.Size, err)
	}
	free, err := disk.Free(dir)
	if err != nil {
		t.Fatal(err)
	}
	if free > 240<<30 {
		t.Skipf("%d bytes are free, which is more than the copy limit; only root can create a small disk", free)
	}
	dir, _, err = s.run(t.Context(),
		s.job(fmt.Sprintf("echo x >a.txt; for i in $(seq %d); do truncate -s 8G large$i.txt; done", free>>33+1)))
	if !errors.Is(err, left4me.DiskFull) {
		t.Error(err)
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("%s was copied despite the full disk", left[0].Name())
	}
}

func TestFilesArePlacedInGameDirectory(t *testing.T) {
	for text, want := range map[string]string{
		"mkdir left4dead2; echo x >left4dead2/a; echo x >README": "README left4dead2/a",
		"mkdir addons cfg; echo x >addons/b.vpk; echo x >cfg/a":  "left4dead2/addons/b.vpk left4dead2/cfg/a",
		"echo x >a.vpk; echo x >b.txt":                           "left4dead2/addons/a.vpk left4dead2/b.txt",
	} {
		t.Run(want, func(t *testing.T) {
			s := newSite(t)
			dir, _, err := s.run(t.Context(), s.job(text))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			err = filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
				if err == nil && !d.IsDir() {
					got = append(got, strings.TrimPrefix(name, dir+"/"))
				}
				return err
			})
			if err != nil || strings.Join(got, " ") != want {
				t.Errorf("%q: %q, %v; want %q", text, got, err, want)
			}
		})
	}
}

func TestFailedScriptLeavesOnlyItsLog(t *testing.T) {
	for text, want := range map[string]string{
		"echo broken >&2; exit 7": "exit status 7",
		"kill -9 $$":              "signal 9",
		"no-such-program":         "exit status 127",
		"true":                    "wrote no files",
		"ln -s /etc/passwd x":     "symbolic link",
		"mkfifo x":                "neither a file nor a directory",
		"mkdir -p a; cd a; for i in $(seq 70); do mkdir d; cd d; done; echo x >x": "too many levels of directories",
	} {
		t.Run(want, func(t *testing.T) {
			s := newSite(t)
			j := s.job(text)
			dir, _, err := s.run(t.Context(), j)
			if err == nil || !strings.Contains(err.Error(), want) || !errors.Is(err, left4me.Invalid) {
				t.Errorf("%q: %v, want %q", text, err, want)
			}
			if _, err := os.Stat(s.LogFile("maps", j.ID)); err != nil {
				t.Errorf("%q: log: %v", text, err)
			}
			if b, _ := os.ReadFile(filepath.Join(dir, "x")); strings.Contains(string(b), "root:") {
				t.Errorf("%q: a file outside the script's directory was copied", text)
			}
			if strings.HasPrefix(text, "echo broken") && s.printed() != "broken\n" {
				t.Errorf("output = %q", s.printed())
			}
		})
	}
}

// A hostile script can do what it is allowed to, and nothing else.
func TestHostileScriptIsConfined(t *testing.T) {
	s := newSite(t)
	secret := filepath.Join(t.TempDir(), "of-another")
	if err := os.WriteFile(secret, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	dir := sandbox.Dir(s.Root, "run1")
	tries := []struct {
		do  string
		may bool
	}{
		{"echo x >$OUT/x && echo x >/tmp/x && echo x >/var/tmp/x && echo x >/dev/shm/x", true},
		{"cat " + dir + "/script", true},
		{"[ $(echo /proc/[0-9]*/ | wc -w) -lt 10 ]", true}, // no other processes are visible
		{"cat /etc/passwd", true},
		{"cat " + s.Root + "/left4me.db", false},
		{"[ \"$(ls " + s.Root + ")\" != tmp ]", false},
		{"ls " + s.Root + "/run", false},
		{"echo x >" + dir + "/script", false},
		{"echo x >" + dir + "/x", false},
		{"mv " + dir + "/out " + dir + "/other", false},
		{"cat " + secret, false},
		{"ls -A /root /home | grep -v -e : -e '^$'", false},
		{"[ -n \"$(ls -A /run/* 2>/dev/null | grep -v resolv)\" ]", false},
		{"echo x >/etc/x", false},
		{"echo x >/usr/x || echo x >/var/x || echo x >/opt/x", false},
		{"cat /etc/shadow", false},
		{"mount -t tmpfs none /mnt", false},
		{"umount " + s.Root, false},
		{"mount -o remount,rw /", false},
		{"unshare --user --map-root-user true", false},
		{"mknod $OUT/sda b 8 0", false},
		{"chown 0 $OUT/x", false},
		{"echo 1 >/proc/sys/kernel/panic", false},
		{"echo 10 >/proc/sys/user/max_user_namespaces", false},
		{"kill -9 1; kill -STOP 1; sleep 0.1; kill -0 1 && exit 1", false},
		{"cat /proc/1/environ | tr '\\0' '\\n' | grep -v -e LEFT4ME_R", false},
		{"dd if=/dev/zero of=/dev/null bs=3G count=1", false},
		{"ulimit -n 5000", false},
		{"nsenter -t 1 -m true", false},
		{"[ -e /proc/self/fd/3 ]", false}, // descriptor of the process that runs the script
	}
	var b strings.Builder
	b.WriteString("exec 2>&1\n")
	for i, try := range tries {
		fmt.Fprintf(&b, "if timeout 20 bash -c '%s' >/dev/null </dev/null; then echo may %d; else echo not %d; fi\n",
			strings.ReplaceAll(try.do, "'", `'\''`), i, i)
	}
	b.WriteString("echo x >y; echo end\n")
	if _, _, err := s.run(t.Context(), s.job(b.String())); err != nil {
		t.Fatal(err, s.printed())
	}
	out := s.printed()
	if !strings.Contains(out, "\nend\n") {
		t.Errorf("the script did not finish:\n%s", out)
	}
	for i, try := range tries {
		if may := strings.Contains(out, fmt.Sprintf("may %d\n", i)); may != try.may {
			t.Errorf("allowed = %v, want %v: %s", may, try.may, try.do)
		}
	}
	if t.Failed() {
		t.Log(out)
	}
}

func TestDescendantsEndWithScript(t *testing.T) {
	s := newSite(t)
	mark := fmt.Sprintf("9%d.25", os.Getpid())
	_, _, err := s.run(t.Context(), s.job(`
		echo x >x
		(setsid sleep `+mark+` &)
		(trap '' TERM HUP; exec 1>&- 2>&-; while :; do sleep `+mark+`; done) &
		while [ $(pgrep -c sleep) -lt 2 ]; do :; done`))
	if err != nil {
		t.Fatal(err, s.printed())
	}
	if left := running(mark); len(left) > 0 {
		t.Errorf("processes left: %q", left)
	}
}

// running returns the processes that have word among their arguments.
func running(word string) (pids []string) {
	all, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, f := range all {
		if b, err := os.ReadFile(f); err == nil && strings.Contains(string(b), word) {
			pids = append(pids, f+" "+string(b))
		}
	}
	return pids
}

func TestForkBombEndsWithScript(t *testing.T) {
	s := newSite(t)
	mark := fmt.Sprintf("8%d.25", os.Getpid())
	// The bomb is a single process: with that many processes, bash can't fork and retries for 15 s
	// before it reports that.
	_, took, err := s.run(t.Context(), s.job(`
		echo x >x
		exec perl -e '$| = 1;
			for $n (0..400) { $p = fork; if (!defined $p) { print "$n at once\n"; last } exec "sleep", "`+mark+`" if !$p; push @all, $p }
			kill 9, @all; waitpid $_, 0 for @all;
			if (!fork) { setpriority 0, 0, 19; fork while 1 } # other tests run meanwhile
			select undef, undef, undef, 0.1; print "goes\n"'`))
	if err != nil || took.Files != 1 || !strings.HasSuffix(s.printed(), "\ngoes\n") {
		t.Errorf("fork bomb: %+v, %v: %s", took, err, s.printed())
	}
	if left := running(mark); len(left) > 0 {
		t.Errorf("%d processes left", len(left))
	}
	var n int
	if _, err := fmt.Sscanf(s.printed(), "%d at once", &n); err != nil || n > 256 {
		t.Errorf("%d concurrent processes, %v: %s", n, err, s.printed())
	}
}

func TestLogSizeIsBounded(t *testing.T) {
	s := newSite(t)
	j := s.job(`echo first; head -c 100M /dev/zero | tr '\0' 'x'; echo; echo last; echo x >x`)
	count := 0
	long := 0
	j.Print = func(line string) {
		count++
		long = max(long, len(line))
	}
	if _, _, err := s.run(t.Context(), j); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(s.LogFile("maps", j.ID))
	if err != nil || len(b) > sandbox.MaxLog+1<<20 || !strings.HasPrefix(string(b), "first\n") ||
		!strings.HasSuffix(string(b), "\nlast\n") || !strings.Contains(string(b), "more bytes are left out here") {
		t.Errorf("log of %d bytes, %v", len(b), err)
	}
	if count > 3000 || long > 4096 {
		t.Errorf("%d lines printed, the longest has %d bytes", count, long)
	}
}

func TestInaccessibleFilesAreCopiedAndRemoved(t *testing.T) {
	s := newSite(t)
	dir, took, err := s.run(t.Context(), s.job(`umask 0777; mkdir -p a/b; chmod 0700 a a/b; echo x >a/b/file; chmod 0 a/b a`))
	if err != nil || took.Files != 1 {
		t.Fatal(took, err)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "left4dead2/a/b/file")); err != nil || string(b) != "x\n" {
		t.Errorf("copied file = %q, %v", b, err)
	}
}

func TestCancelledScriptEndsWithinFiveSeconds(t *testing.T) {
	s := newSite(t)
	mark := fmt.Sprintf("7%d.25", os.Getpid())
	j := s.job(`trap '' TERM; echo begun; sleep ` + mark + ` & while :; do sleep ` + mark + `; done`)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var ended time.Time
	print := j.Print
	j.Print = func(line string) {
		print(line)
		ended = time.Now()
		cancel()
	}
	_, _, err := s.run(ctx, j)
	if !errors.Is(err, context.Canceled) || ended.IsZero() {
		t.Errorf("cancelled run: got %v", err)
	}
	if took := time.Since(ended); took > 8*time.Second { // 5 s plus a margin for busy machines
		t.Errorf("stop took %v", took)
	}
	if left := running(mark); len(left) > 0 {
		t.Errorf("processes left: %q", left)
	}
}

func TestSuccessorFollowsExistingRun(t *testing.T) {
	s := newSite(t)
	gate := filepath.Join(sandbox.Dir(s.Root, "run1"), "out", "gate")
	j := s.job(`echo begun; until [ -e gate ]; do sleep 0.05; done; rm gate; echo $RANDOM$RANDOM >x; echo over`)
	ctx, cancel := context.WithCancel(t.Context())
	print := j.Print
	j.Print = func(line string) { print(line); cancel() }
	into, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer into.Close()
	if _, err := s.Run(ctx, j, into, func() bool { return true }); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if err := os.WriteFile(gate, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	s.lines, j.Print = nil, print
	if _, took, err := s.run(t.Context(), j); err != nil || took.Files != 1 {
		t.Fatal(took, err)
	}
	if got := s.printed(); got != "begun\nover\n" {
		t.Errorf("output of the successor = %q", got)
	}
}

func TestRunEndsWhenWatcherIsKilled(t *testing.T) {
	s := newSite(t)
	mark := fmt.Sprintf("6%d.25", os.Getpid())
	j := s.job(`echo begun; sleep ` + mark)
	print := j.Print
	j.Print = func(line string) {
		print(line)
		for _, p := range running("--stage=watch") {
			if strings.Contains(p, string(j.ID)) {
				pid, _ := strconv.Atoi(strings.Split(p, "/")[2])
				if env, _ := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid)); strings.Contains(string(env), "LEFT4ME_ROOT="+s.Root) {
					p, _ := os.FindProcess(pid)
					_ = p.Kill()
				}
			}
		}
	}
	_, _, err := s.run(t.Context(), j)
	if !errors.Is(err, left4me.Unavailable) {
		t.Error(err)
	}
	if left := running(mark); len(left) > 0 {
		t.Errorf("processes left: %q", left)
	}
}

func TestRunsAreIsolatedFromEachOther(t *testing.T) {
	s := newSite(t)
	a := s.job(`echo x >mine; echo begun; until [ -e gate ]; do sleep 0.05; done; rm gate`)
	begun := make(chan bool, 10)
	a.Print = func(string) { begun <- true }
	ended := make(chan error)
	go func() {
		_, err := s.Run(t.Context(), a, rootOf(t), never)
		ended <- err
	}()
	<-begun
	b := s.job(`ls ` + s.Root + `/tmp; ls /proc | grep -c '^[0-9]'; echo x >x`)
	if _, err := s.Run(t.Context(), b, rootOf(t), never); err != nil {
		t.Error(err)
	}
	if got := s.printed(); !strings.HasPrefix(got, "build-run2\n") || strings.Contains(got, "run1") {
		t.Errorf("visible builds: %q", got)
	}
	if err := os.WriteFile(filepath.Join(sandbox.Dir(s.Root, a.ID), "out", "gate"), nil, 0o666); err != nil {
		t.Error(err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func rootOf(t *testing.T) *os.Root {
	t.Helper()
	r, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

func TestScriptsRunAsOrdinaryUser(t *testing.T) {
	shimtest.AsUser(t, "^Test(FilesOfScript|CopyKeeps|Hostile|Descendants|Inaccessible|CancelledScript|Successor)")
}
