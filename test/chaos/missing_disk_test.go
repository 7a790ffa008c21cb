package chaos

import (
	"errors"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/disk/disktest"
	"github.com/left4me/left4me/test/stage"
)

// An unmounted disk leaves an empty mount point. Everything on the disk must count as unknown,
// never as deleted.
func TestMissingDiskDeletesNothing(t *testing.T) {
	stage.Build(t) // here, because the small disk has no room for it
	disktest.OnSmall(t, "128m", func(t *testing.T, dir string) {
		t.Setenv("TMPDIR", dir)
		d := newDisks(t, dir)
		s := d.stage
		s.Serve(t)
		s.Create(t, "alpha", nil)
		s.Create(t, "down", nil)
		s.Done(t, "start", "alpha")
		s.Done(t, "start", "down")
		s.Done(t, "stop", "down")
		alpha, _ := s.Server("alpha")
		d.pid = alpha.PID
		before := d.files(t)
		d.withoutBackups(t)
		unmount(t, d.logsAt)
		d.unknown(t, "disk unavailable: "+d.logsAt)
		mount(t, d.logs, d.logsAt)
		d.asBefore(t)
		unmount(t, s.Root)
		d.unknown(t, "disk unavailable: "+s.Root)
		if entries, err := os.ReadDir(s.Root); err != nil || len(entries) != 3 {
			t.Errorf("the mount point holds %v (error %v), want 3 entries", entries, err)
		}
		mount(t, d.games, s.Root)
		d.is(t, "alpha", "unknown", "disk unavailable: "+d.logsAt, 0)
		mount(t, d.logs, d.logsAt)
		d.asBefore(t)
		for _, path := range d.files(t) {
			if i := slices.Index(before, path); i >= 0 {
				before = slices.Delete(before, i, i+1)
			}
		}
		if len(before) > 0 {
			t.Errorf("files were deleted: %v", before)
		}

		// A server whose disk is missing can be stopped, and its state is correct again once the
		// disk is back.
		unmount(t, s.Root)
		d.is(t, "alpha", "unknown", "disk unavailable", 0)
		s.Done(t, "stop", "alpha")
		if left := s.Games(); len(left) > 0 {
			t.Errorf("games still run: %v", left)
		}
		mount(t, d.games, s.Root)
		mount(t, d.logs, d.logsAt)
		d.is(t, "alpha", "stopped", "", 0)
		s.Done(t, "start", "alpha")
		s.Done(t, "stop", "alpha")
		s.Done(t, "delete", "down")
	})
}

// disks is a left4me that has its games and its logs on separate disks.
type disks struct {
	stage       *stage.Stage
	dir         string
	games, logs string // where the disks are mounted; games is also bound to the root
	logsAt      string // where logs is bound
	pid         int    // pid of the running server alpha; the server named down is stopped
}

// newDisks creates a root whose games and logs are on separate disks. The database, the queue and
// the sockets are on neither.
func newDisks(t *testing.T, dir string) *disks {
	t.Helper()
	s := stage.New(t, 28800, "SIM_PLAYERS=0", "SIM_MAP_LOAD=10ms")
	d := &disks{
		stage: s, dir: dir, games: filepath.Join(dir, "games"), logs: filepath.Join(dir, "logs"), logsAt: filepath.Join(s.Root, "logs"),
	}
	apart := filepath.Join(dir, "apart")
	disktest.Mount(t, d.games, "64m", 0o751)
	disktest.Mount(t, d.logs, "8m", 0o751)
	if out, err := exec.Command("sh", "-ec", `
		cp -a "$1/." "$2"; rm -r "$1"; mkdir -p "$1" "$2/logs" "$3/run" "$3/bus"; touch "$3/left4me.db"
		for name in run bus left4me.db; do ln -s "$3/$name" "$1"; ln -s "$3/$name" "$2"; done`,
		"sh", s.Root, d.games, apart).CombinedOutput(); err != nil {
		t.Fatalf("got error %v, %s", err, out)
	}
	s.Env = append(s.Env, "LEFT4ME_RUN="+filepath.Join(apart, "run"))
	mount(t, d.games, s.Root)
	t.Cleanup(func() { _ = unix.Unmount(s.Root, unix.MNT_DETACH) })
	mount(t, d.logs, d.logsAt)
	return d
}

func mount(t *testing.T, from, to string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(to, 0o751), unix.Mount(from, to, "", unix.MS_BIND, "")); err != nil {
		t.Fatal(err)
	}
}

func unmount(t *testing.T, path string) {
	t.Helper()
	if err := unix.Unmount(path, unix.MNT_DETACH); err != nil {
		t.Fatal(err)
	}
}

// files returns the paths on the games' disk, without those that a running game writes.
func (d *disks) files(t *testing.T) (all []string) {
	t.Helper()
	err := filepath.WalkDir(d.games, func(path string, _ fs.DirEntry, err error) error {
		if !strings.Contains(path, "/runtime/") {
			all = append(all, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// is waits until a server has the given state and reason, then checks its process id.
func (d *disks) is(t *testing.T, name, state, reason string, pid int) {
	t.Helper()
	var v stage.Server
	stage.Until(t, name+" is "+state+" "+reason, func() bool {
		_, _ = d.stage.Call("GET", "/servers/down/campaigns", nil, nil) // makes the host check its disks immediately
		v, _ = d.stage.Server(name)
		return v.State == state && strings.HasPrefix(v.Reason, reason)
	})
	if state != "unknown" && v.PID != pid {
		t.Errorf("%s: %+v", name, v)
	}
}

// asBefore waits until both servers have the state that they had with all disks mounted.
func (d *disks) asBefore(t *testing.T) {
	t.Helper()
	d.is(t, "alpha", "running", "", d.pid)
	d.is(t, "down", "stopped", "", 0)
}

// refused checks that a job fails because a disk is missing.
func (d *disks) refused(t *testing.T, what string, j stage.Job, gone string) {
	t.Helper()
	if j = d.stage.Ended(t, j.ID); j.State != "failed" || j.Error == nil || !strings.Contains(j.Error.Text, gone) {
		t.Errorf("%s: %+v %+v", what, j, j.Error)
	}
}

// unknown checks that all servers are unknown and that jobs fail while a disk is missing.
func (d *disks) unknown(t *testing.T, gone string) {
	t.Helper()
	s := d.stage
	d.is(t, "alpha", "unknown", gone, 0)
	d.is(t, "down", "unknown", gone, 0)
	var collect stage.Job
	s.Must(t, "POST", "/content/collect", nil, &collect)
	d.refused(t, "collect", collect, gone)
	for _, job := range []string{"start", "reset", "delete"} {
		d.refused(t, job, s.Ask(t, job, "down"), gone)
	}
	if status, err := s.Call("GET", "/servers/down/campaigns", nil, nil); status != http.StatusServiceUnavailable ||
		!strings.Contains(err.Error(), gone) {
		t.Errorf("campaigns: %d, %v", status, err)
	}
}

// withoutBackups unmounts the backups' disk, which must affect nothing but backups.
func (d *disks) withoutBackups(t *testing.T) {
	t.Helper()
	s := d.stage
	backups, keep := filepath.Join(s.Root, "backups"), filepath.Join(d.dir, "backups")
	disktest.Mount(t, keep, "4m", 0o750)
	mount(t, keep, backups)
	if err := os.WriteFile(filepath.Join(backups, "note"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s.Must(t, "GET", "/backups", nil, nil)
	unmount(t, backups)
	if status, err := s.Call("GET", "/backups", nil, nil); status != http.StatusServiceUnavailable ||
		!strings.Contains(err.Error(), "disk unavailable: "+backups) {
		t.Errorf("backups: %d, %v", status, err)
	}
	var backup stage.Job
	s.Must(t, "POST", "/backups", nil, &backup)
	d.refused(t, "backup", backup, "disk unavailable: "+backups)
	d.asBefore(t)
}
