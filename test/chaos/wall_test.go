package chaos

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/test/stage"
)

// wall describes the host to the attacking plugin: more than a real plugin could know.
type wall struct {
	Root     string
	Panel    string // its address and port
	Left4me  int    // process id of left4me
	Beside   int    // process id of another program of left4me's user
	Other    int    // process id of another server's game
	OtherRun int    // process id of that server's shim
	Hidden   []string
	Abstract string
	Landlock int
}

const attackVar = "SIM_ATTACK"

// The attack runs in this test program, copied next to the game.
func attacks() bool { return os.Getenv(attackVar) != "" && filepath.Base(os.Args[0]) == "attack" }

func attack() int {
	var w wall
	b, err := os.ReadFile("attack.json")
	if err == nil {
		err = json.Unmarshal(b, &w)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if len(os.Args) > 1 { // started by mounts in new namespaces
		for _, got := range w.uncover() {
			fmt.Println(got)
		}
		return 0
	}
	found := slices.Concat(w.lacks(), w.files(), w.processes(), w.sockets(), w.mounts())
	b, _ = json.Marshal(found)
	if err := os.WriteFile("found.json.new", b, 0o644); err != nil {
		return 1
	}
	if os.Rename("found.json.new", "found.json") != nil {
		return 1
	}
	return 0
}

// lacks returns what a game needs and cannot do.
func (w wall) lacks() (found []string) {
	own := func(parts ...string) string { return filepath.Join(append([]string{w.Root}, parts...)...) }
	for what, err := range map[string]error{
		"write to its directory": os.WriteFile("x", nil, 0o600),
		"write to its home":      os.WriteFile(filepath.Join(os.Getenv("HOME"), "x"), nil, 0o600),
		"write to /tmp":          os.WriteFile("/tmp/x", nil, 0o600),
		"write to /dev/shm":      os.WriteFile("/dev/shm/x", nil, 0o600),
		"write to /dev/null":     os.WriteFile("/dev/null", []byte("x"), 0o600),
		"read its instance":      readable(own("instances", "alpha", "instance.env")),
		"read the resolver":      readable("/etc/resolv.conf"),
		"read the time zone":     readable("/etc/passwd"),
		"read Steam's libraries": readable(own("steam", "steamcmd", "linux32", "steamclient.so")),
		"read its log":           readable(own("logs", "alpha", "console.log")),
	} {
		if err != nil {
			found = append(found, fmt.Sprintf("it can't %s: %v", what, err))
		}
	}
	return found
}

func parent(pid int) (ppid int) {
	b, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	_, rest, _ := strings.Cut(string(b), "\nPPid:\t")
	_, _ = fmt.Sscan(rest, &ppid)
	return ppid
}

// readable returns nil if it can open a file, or read an entry of a directory.
func readable(path string) error {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	if st, err := f.Stat(); err != nil || !st.IsDir() {
		return err
	}
	_, err = f.Readdirnames(1)
	return err
}

// files returns the files that the plugin reaches by name.
func (w wall) files() (found []string) {
	for _, name := range w.Hidden {
		if _, err := os.Lstat(name); err == nil && readable(name) == nil {
			found = append(found, "read "+name)
		}
	}
	_ = filepath.WalkDir(w.Root, func(path string, d fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(w.Root, path)
		top, rest, _ := strings.Cut(rel, "/")
		name, _, _ := strings.Cut(rest, "/")
		switch {
		case err != nil, rel == ".", top == "steam":
		case !slices.Contains([]string{"instances", "runtime", "logs", "run"}, top), name != "" && name != "alpha":
			found = append(found, "see "+path)
		case rel == "runtime/alpha/merged":
			return fs.SkipDir
		}
		return nil
	})
	for _, dir := range []string{
		"/opt", w.Root, filepath.Join(w.Root, "run"), filepath.Join(w.Root, "runtime"), "/run", "/home",
		"/var/lib", "/sys/fs/cgroup",
	} {
		name := filepath.Join(dir, "of-a-plugin")
		if err := os.Mkdir(name, 0o700); err == nil {
			_ = os.Remove(name)
			found = append(found, "write to "+dir)
		}
	}
	if ttys, _ := filepath.Glob("/dev/pts/[0-9]*"); len(ttys) > 1 {
		found = append(found, fmt.Sprintf("see terminals %q", ttys))
	}
	return found
}

// processes returns the processes that the plugin reaches, and what it reaches through them.
func (w wall) processes() (found []string) {
	for who, pid := range map[string]int{
		"left4me":               w.Left4me,
		"a process of its user": w.Beside,
		"another game":          w.Other,
		"another shim":          w.OtherRun,
		"its shim":              parent(os.Getppid()),
	} {
		proc := "/proc/" + strconv.Itoa(pid)
		for _, name := range []string{"/environ", "/mem", "/root/", "/root" + w.Root + "/left4me.db", "/cwd/", "/ns/mnt", "/maps"} {
			if readable(proc+name) == nil {
				found = append(found, "open "+name+" of "+who)
			}
		}
		if who != "its shim" && w.Landlock >= 6 && unix.Kill(pid, 0) == nil {
			found = append(found, "signal "+who)
		}
		if unix.PtraceSeize(pid) == nil {
			found = append(found, "trace "+who)
		}
		fd, err := unix.PidfdOpen(pid, 0)
		if err != nil {
			found = append(found, fmt.Sprintf("%s isn't there: %v", who, err))
			continue
		}
		for n := range 32 {
			if to, err := os.Readlink(fmt.Sprintf("%s/fd/%d", proc, n)); err == nil {
				found = append(found, "see descriptor "+to+" of "+who)
			}
			if taken, err := unix.PidfdGetfd(fd, n, 0); err == nil {
				_ = unix.Close(taken)
				found = append(found, fmt.Sprintf("take descriptor %d of %s", n, who))
			}
		}
		if unix.Setns(fd, unix.CLONE_NEWUSER) == nil || unix.Setns(fd, unix.CLONE_NEWNS) == nil {
			found = append(found, "enter the namespaces of "+who)
		}
		_ = unix.Close(fd)
	}
	return found
}

// sockets returns the sockets that accept a connection from the plugin.
func (w wall) sockets() (found []string) {
	for _, path := range w.Hidden {
		if c, err := net.DialTimeout("unix", path, time.Second); err == nil {
			c.Close()
			found = append(found, "connect to "+path)
		}
	}
	if c, err := net.DialTimeout("unix", "@"+w.Abstract, time.Second); err == nil && w.Landlock >= 6 {
		c.Close()
		found = append(found, "connect to an abstract socket")
	}
	// The game shares the host's network, so the panel answers. It must demand authentication.
	resp, err := http.Get("http://" + w.Panel + "/api/v1/servers")
	if err != nil {
		return append(found, "it can't reach the network: "+err.Error())
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusUnauthorized {
		found = append(found, "ask the panel without a token: "+resp.Status)
	}
	return found
}

// mounts returns the mounts that the plugin can remove, in its own namespaces or in new ones.
func (w wall) mounts() (found []string) {
	found = w.uncover()
	cmd := exec.Command("./attack", "further")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWPID,
	}
	out, err := cmd.CombinedOutput()
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENOSPC) {
		return found // new namespaces are forbidden here
	}
	if err != nil {
		found = append(found, fmt.Sprintf("further namespaces: %v", err))
	}
	return append(found, strings.Fields(string(out))...)
}

func (w wall) uncover() (found []string) {
	for _, dir := range []string{w.Root, filepath.Join(w.Root, "run"), "/opt", "/run", "/tmp", "/dev/pts"} {
		if unix.Unmount(dir, unix.MNT_DETACH) == nil {
			found = append(found, "unmount:"+dir)
		}
		if unix.Mount("", dir, "", unix.MS_REMOUNT|unix.MS_BIND, "") == nil {
			found = append(found, "remount:"+dir)
		}
	}
	if unix.Mount("/", "/tmp", "", unix.MS_BIND, "") == nil && readable("/tmp"+w.Root+"/left4me.db") == nil {
		found = append(found, "bind:/")
	}
	if fd, err := unix.OpenTree(unix.AT_FDCWD, "/", unix.OPEN_TREE_CLONE); err == nil {
		db, err := unix.Openat(fd, strings.TrimPrefix(w.Root, "/")+"/left4me.db", unix.O_RDONLY, 0)
		if err == nil {
			_ = unix.Close(db)
			found = append(found, "clone:/")
		}
		_ = unix.Close(fd)
	}
	if readable(filepath.Join(w.Root, "left4me.db")) == nil {
		found = append(found, "read:left4me.db")
	}
	return found
}

// Without systemd and without root, a game runs as left4me's own user. It must reach its own files
// only, and nothing that belongs to left4me or to other servers.
func TestPluginWithoutSystemdCannotReachLeft4me(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Parallel()
		stage.AsUser(t, "^TestPluginWithoutSystemdCannotReachLeft4me$")
		return
	}
	outside := t.TempDir()
	if d, err := os.MkdirTemp("/opt", "left4me"); err == nil { // created by AsUser; homes and /tmp are hidden in any case
		outside = d
		t.Cleanup(func() { os.RemoveAll(d) })
	}
	local, err := net.Listen("unix", filepath.Join(t.TempDir(), "agent.sock")) // like those of tmux and ssh-agent
	must(t, err)
	defer local.Close()
	t.Setenv("TMPDIR", outside)
	config, key := filepath.Join(outside, "config"), filepath.Join(outside, "key")
	must(t, os.Mkdir(config, 0o700))
	must(t, os.WriteFile(filepath.Join(config, "left4me.env"), []byte("LEFT4ME_SECRET_KEY=x\n"), 0o600))
	must(t, os.WriteFile(key, []byte("k9Zq3vT7xw2Lr8Yd5Bn1Hs6Fj4Gm0PcQeUaWo\n"), 0o600))
	s := stage.New(t, 29100, "SIM_MAP_LOAD=100ms", "SIM_PLAYERS=0", attackVar+"=1", "LEFT4ME_CONFIG_DIR="+config,
		"LEFT4ME_SECRET_KEY_FILE="+key)
	s.Steam(t)
	must(t, os.MkdirAll(filepath.Join(s.Root, "steam", "steamcmd", "linux32"), 0o755))
	must(t, os.WriteFile(filepath.Join(s.Root, "steam", "steamcmd", "linux32", "steamclient.so"), nil, 0o644))
	base := filepath.Join(s.Root, "installation", "base")
	must(t, copyProgram(filepath.Join(base, "attack")))
	must(t, os.Rename(filepath.Join(base, "srcds_linux"), filepath.Join(base, "srcds_real")))
	must(t,
		os.WriteFile(filepath.Join(base, "srcds_linux"), []byte("#!/bin/sh\n[ -e attack.json ] && ./attack\nexec ./srcds_real \"$@\"\n"),
			0o755))
	s.Serve(t)
	s.Create(t, "alpha", nil)
	s.Create(t, "beta", nil)
	s.Done(t, "start", "beta")
	var backup stage.Job
	s.Must(t, "POST", "/backups", map[string]any{}, &backup)
	s.Ended(t, backup.ID)

	beside := exec.Command("sleep", "600")
	must(t, beside.Start())
	t.Cleanup(func() { _ = beside.Process.Kill(); _ = beside.Wait() })
	abstract, err := net.Listen("unix", fmt.Sprintf("@left4me-wall-%d", os.Getpid()))
	must(t, err)
	defer abstract.Close()
	other, _ := s.Server("beta")
	w := wall{
		Root: s.Root, Panel: s.Address, Left4me: s.PID(), Beside: beside.Process.Pid, Other: other.PID, OtherRun: s.Shims()[0],
		Abstract: strings.TrimPrefix(abstract.Addr().String(), "@"), Landlock: landlock(),
	}
	w.Hidden = []string{
		config, filepath.Join(config, "left4me.env"), key, local.Addr().String(), s.Left4me,
		filepath.Join(s.Root, "left4me.db"), filepath.Join(s.Root, "left4me.db-wal"), filepath.Join(s.Root, "left4me.lock"),
		filepath.Join(s.Root, "bus"),
		filepath.Join(s.Root, "installation"), filepath.Join(s.Root, "overlays"), filepath.Join(s.Root, "instances", "beta"),
		filepath.Join(s.Root, "runtime", "beta"),
		filepath.Join(s.Root, "logs", "beta"), filepath.Join(s.Root, "run", "api.sock"), filepath.Join(s.Root, "run", "beta"),
		filepath.Join(s.Root, "run", "beta", "sock"), filepath.Join(s.Root, "runtime", "alpha", "upper"),
	}
	archives, _ := filepath.Glob(filepath.Join(s.Root, "backups", "*"))
	if len(archives) == 0 {
		t.Fatal("no backup was made")
	}
	w.Hidden = append(w.Hidden, archives...)
	b, err := json.Marshal(w)
	must(t, err)
	must(t, os.WriteFile(filepath.Join(base, "attack.json"), b, 0o644))
	if n := listeners(t, s.PID()); n != 1 {
		t.Errorf("left4me listens on %d TCP ports, want only the panel's", n)
	}

	s.Done(t, "start", "alpha")
	f, err := os.Open(filepath.Join(s.Root, "runtime", "alpha", "upper", "found.json"))
	must(t, err)
	defer f.Close()
	b, err = io.ReadAll(f)
	must(t, err)
	var found []string
	must(t, json.Unmarshal(b, &found))
	for _, what := range found {
		t.Error(what)
	}
	s.Done(t, "delete", "alpha")
	s.Done(t, "delete", "beta")
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func copyProgram(to string) error {
	self, err := os.Open("/proc/self/exe")
	if err != nil {
		return err
	}
	defer self.Close()
	f, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, self)
	return errors.Join(err, f.Close())
}

func landlock() int {
	version, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 {
		return 0
	}
	return int(version)
}

// listeners returns the number of TCP sockets on which a process listens.
func listeners(t *testing.T, pid int) (n int) {
	t.Helper()
	listening := map[string]bool{}
	for _, table := range []string{"tcp", "tcp6"} {
		b, _ := os.ReadFile("/proc/net/" + table)
		for line := range strings.Lines(string(b)) {
			if f := strings.Fields(line); len(f) > 9 && f[3] == "0A" {
				listening["socket:["+f[9]+"]"] = true
			}
		}
	}
	fds, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	must(t, err)
	for _, fd := range fds {
		if to, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%s", pid, fd.Name())); err == nil && listening[to] {
			n++
		}
	}
	return n
}
