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

// A disk that goes away shows an empty mount point. What was on it counts as
// unknown, never as deleted.
func TestNothingIsDeletedWhileDiskIsGone(t *testing.T) {
	stage.Build(t) // not on the small disk
	disktest.OnSmall(t, "128m", func(t *testing.T, dir string) {
		t.Setenv("TMPDIR", dir)
		s := stage.New(t, 28800, "SIM_PLAYERS=0", "SIM_MAP_LOAD=10ms")
		mount := func(from, to string) {
			t.Helper()
			if err := errors.Join(os.MkdirAll(to, 0o751), unix.Mount(from, to, "", unix.MS_BIND, "")); err != nil {
				t.Fatal(err)
			}
		}
		unmount := func(path string) {
			t.Helper()
			if err := unix.Unmount(path, unix.MNT_DETACH); err != nil {
				t.Fatal(err)
			}
		}
		// The database, the queue and the sockets are not on the games' disk, and the
		// logs have a disk of their own.
		games, logs, apart := filepath.Join(dir, "games"), filepath.Join(dir, "logs"), filepath.Join(dir, "apart")
		disktest.Mount(t, games, "64m", 0o751)
		disktest.Mount(t, logs, "8m", 0o751)
		if out, err := exec.Command("sh", "-ec", `
			cp -a "$1/." "$2"; rm -r "$1"; mkdir -p "$1" "$2/logs" "$3/run" "$3/bus"; touch "$3/left4me.db"
			for name in run bus left4me.db; do ln -s "$3/$name" "$1"; ln -s "$3/$name" "$2"; done`,
			"sh", s.Root, games, apart).CombinedOutput(); err != nil {
			t.Fatalf("%v %s", err, out)
		}
		s.Env = append(s.Env, "LEFT4ME_RUN="+filepath.Join(apart, "run"))
		logsAt := filepath.Join(s.Root, "logs")
		mount(games, s.Root)
		t.Cleanup(func() { _ = unix.Unmount(s.Root, unix.MNT_DETACH) })
		mount(logs, logsAt)
		s.Serve(t)
		s.Create(t, "alpha", nil)
		s.Create(t, "down", nil)
		s.Done(t, "start", "alpha")
		s.Done(t, "start", "down")
		s.Done(t, "stop", "down")
		alpha, _ := s.Server("alpha")
		files := func() (all []string) {
			err := filepath.WalkDir(games, func(path string, _ fs.DirEntry, err error) error {
				if !strings.Contains(path, "/runtime/") { // running games write there
					all = append(all, path)
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return all
		}
		is := func(name, state, reason string, pid int) {
			t.Helper()
			var v stage.Server
			stage.Until(t, name+" is "+state+" "+reason, func() bool {
				_, _ = s.Call("GET", "/servers/down/campaigns", nil, nil) // looks at once
				v, _ = s.Server(name)
				return v.State == state && strings.HasPrefix(v.Reason, reason)
			})
			if state != "unknown" && v.PID != pid {
				t.Errorf("%s: %+v", name, v)
			}
		}
		refused := func(what string, j stage.Job, gone string) {
			t.Helper()
			if j = s.Ended(t, j.ID); j.State != "failed" || j.Error == nil || !strings.Contains(j.Error.Text, gone) {
				t.Errorf("%s: %+v %+v", what, j, j.Error)
			}
		}
		unknown := func(gone string) {
			t.Helper()
			is("alpha", "unknown", gone, 0)
			is("down", "unknown", gone, 0)
			var collect stage.Job
			s.Must(t, "POST", "/content/collect", nil, &collect)
			refused("collect", collect, gone)
			refused("start", s.Ask(t, "start", "down"), gone)
			refused("reset", s.Ask(t, "reset", "down"), gone)
			refused("delete", s.Ask(t, "delete", "down"), gone)
			if status, err := s.Call("GET", "/servers/down/campaigns", nil, nil); status != http.StatusServiceUnavailable ||
				!strings.Contains(err.Error(), gone) {
				t.Errorf("campaigns: %d, %v", status, err)
			}
		}
		asBefore := func() {
			t.Helper()
			is("alpha", "running", "", alpha.PID)
			is("down", "stopped", "", 0)
		}
		before := files()
		backups, keep := filepath.Join(s.Root, "backups"), filepath.Join(dir, "backups")
		disktest.Mount(t, keep, "4m", 0o750)
		mount(keep, backups)
		if err := os.WriteFile(filepath.Join(backups, "note"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		s.Must(t, "GET", "/backups", nil, nil)
		unmount(backups)
		if status, err := s.Call("GET", "/backups", nil, nil); status != http.StatusServiceUnavailable ||
			!strings.Contains(err.Error(), "disk gone: "+backups) {
			t.Errorf("backups: %d, %v", status, err)
		}
		var backup stage.Job
		s.Must(t, "POST", "/backups", nil, &backup)
		refused("backup", backup, "disk gone: "+backups)
		asBefore() // only backups need that one
		unmount(logsAt)
		unknown("disk gone: " + logsAt)
		mount(logs, logsAt)
		asBefore()
		unmount(s.Root)
		unknown("disk gone: " + s.Root)
		if entries, err := os.ReadDir(s.Root); err != nil || len(entries) != 3 {
			t.Errorf("in the mount point: %v, %v", entries, err)
		}
		mount(games, s.Root)
		is("alpha", "unknown", "disk gone: "+logsAt, 0)
		mount(logs, logsAt)
		asBefore()
		for _, path := range files() {
			if i := slices.Index(before, path); i >= 0 {
				before = slices.Delete(before, i, i+1)
			}
		}
		if len(before) > 0 {
			t.Errorf("deleted: %v", before)
		}

		// A server whose disk has gone can be stopped, and its state is right again
		// when the disk is back.
		unmount(s.Root)
		is("alpha", "unknown", "disk gone", 0)
		s.Done(t, "stop", "alpha")
		if left := s.Games(); len(left) > 0 {
			t.Errorf("games %v", left)
		}
		mount(games, s.Root)
		mount(logs, logsAt)
		is("alpha", "stopped", "", 0)
		s.Done(t, "start", "alpha")
		s.Done(t, "stop", "alpha")
		s.Done(t, "delete", "down")
	})
}
