//go:build e2e

package e2e

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// disks is the size of the two small disks. The first holds the games, and /var/lib/left4me links
// to it, as on a machine where it was moved. The second, data, holds the database and the bus.
const disks = "400m"

const data = root + "/data"

// whole is a machine with several servers that should run and one that should not.
type whole struct {
	names []string
	rows  map[string]string // rows that must survive: path of the API, and identity
}

const idle = "idle"

// TestWantedServersRunAfterEachFault subjects a machine to one fault after the other and checks
// after each that the servers that should run do. To run it with more servers:
//
//	LEFT4ME_E2E_SERVERS=20 script/test-e2e -v -run TestWantedServersRunAfterEachFault
func TestWantedServersRunAfterEachFault(t *testing.T) {
	n, err := strconv.Atoi(cmp.Or(os.Getenv("LEFT4ME_E2E_SERVERS"), "3"))
	if err != nil || n < 2 {
		t.Fatalf("LEFT4ME_E2E_SERVERS: %q is not a number of at least 2", os.Getenv("LEFT4ME_E2E_SERVERS"))
	}
	deb := pack(t, "v0.1.0", false)
	smallDisks(t)
	w := &whole{rows: map[string]string{}}
	w.create(t, n)

	begun := time.Now()
	fault := func(what string, f func(*testing.T)) {
		t.Helper()
		if !t.Run(what, func(t *testing.T) { f(t); w.check(t) }) {
			t.FailNow()
		}
		t.Logf("%s: all servers as desired %v after the start", what, time.Since(begun).Round(time.Second))
	}
	fault("reboot", reboot)
	fault("power cut", powercut)
	fault("full disk of the database", func(t *testing.T) {
		pids := w.pids(t)
		free := fill(t, data)
		done(t, "POST", "/servers/"+w.names[0]+"/stop")
		must(t, "systemctl", "restart", "left4me")
		if err := becomesReady(); err != nil {
			t.Error(err)
		}
		eventually(t, w.names[0]+" is stopped", func() bool { return show(t, w.names[0]).State == "stopped" })
		free()
		w.untouched(t, pids, w.names[1:]...)
		within(t, 2*time.Minute, "a server starts again",
			func() bool { return do(t, "POST", "/servers/"+w.names[0]+"/start").State == "done" })
	})
	fault("full disk of the games", func(t *testing.T) {
		pids := w.pids(t)
		free := fill(t, root)
		done(t, "POST", "/servers/"+w.names[0]+"/stop")
		j := do(t, "POST", "/servers/"+w.names[0]+"/start")
		if j.State != "done" && !strings.Contains(j.Error.Text, "disk full") {
			t.Errorf("start on a full disk: %+v", j)
		}
		free()
		w.untouched(t, pids, w.names[1:]...)
		done(t, "POST", "/servers/"+w.names[0]+"/start")
	})
	// An upgrade of the whole system restarts the services that left4me depends on, and left4me
	// itself, also while left4me works.
	fault("package upgrade", func(t *testing.T) {
		pids, old := w.pids(t), property(t, "left4me.service", "MainPID")
		var j job
		if code := call(t, "POST", "/servers/"+w.names[0]+"/restart", nil, &j); code != http.StatusAccepted {
			t.Fatalf("restart: %d", code)
		}
		// systemd-logind does not reconnect to a new bus. apt 3.0 calls it and would time out after 25 s.
		must(t, "systemctl", "restart", "dbus.service", "polkit.service", "systemd-logind.service")
		mustApt(t, deb)
		eventually(t, "the new left4me is ready", func() bool { return property(t, "left4me.service", "MainPID") != old && ready() })
		within(t, 2*time.Minute, "the job ends", func() bool {
			call(t, "GET", "/jobs/"+j.ID, nil, &j)
			return j.State != "queued" && j.State != "running"
		})
		if j.State != "done" {
			t.Errorf("got %+v", j)
		}
		w.untouched(t, pids, w.names[1:]...)
	})
	fault("daemon-reexec", func(t *testing.T) {
		pids := w.pids(t)
		must(t, "systemctl", "daemon-reexec")
		w.untouched(t, pids, w.names...)
		done(t, "POST", "/servers/"+w.names[0]+"/restart")
	})
}

// smallDisks boots the machine with disks that a test can fill.
func smallDisks(t *testing.T) {
	t.Helper()
	if skip != "" {
		t.Skip(skip)
	}
	t.Cleanup(func() {
		if err := errors.Join(boot(), lay()); err != nil {
			t.Errorf("set up the machine again: %v", err)
		}
	})
	t.Setenv("LEFT4ME_E2E_DISKS", disks)
	if err := errors.Join(boot(), lay()); err != nil {
		t.Fatal(err)
	}
	must(t, "sh", "-ec", `
		systemctl stop left4me
		cd `+root+`
		chown left4me: data
		mv left4me.db* bus data/
		ln -s data/left4me.db data/bus .
		chown -h left4me: left4me.db bus
		systemctl start left4me`)
	if err := becomesReady(); err != nil {
		t.Fatal(err)
	}
}

// fill occupies all free space on the file system of a directory until free is called.
func fill(t *testing.T, dir string) (free func()) {
	t.Helper()
	file := dir + "/filled"
	if out, err := in("dd", "if=/dev/zero", "of="+file, "bs=1M"); err == nil || !strings.Contains(out, "No space left") {
		t.Fatalf("fill %s: %v %s", dir, err, out)
	}
	return func() { t.Helper(); must(t, "rm", file) }
}

func (w *whole) create(t *testing.T, n int) {
	t.Helper()
	for i := range n {
		w.names = append(w.names, fmt.Sprintf("w%02d", i))
	}
	for _, name := range append(slices.Clone(w.names), idle) {
		if code := call(t, "POST", "/servers", map[string]string{"name": name}, nil); code != http.StatusCreated {
			t.Fatalf("create %s: status %d", name, code)
		}
		if code := call(t, "POST", "/servers/"+name+"/start", nil, nil); code != http.StatusAccepted {
			t.Fatalf("start %s: status %d", name, code)
		}
	}
	until(t, n+1, time.Minute+time.Duration(n)*4*time.Second)
	done(t, "POST", "/servers/"+idle+"/stop")
	w.check(t)
}

// check compares the machine with its desired state.
func (w *whole) check(t *testing.T) {
	t.Helper()
	until(t, len(w.names), time.Minute+time.Duration(len(w.names))*4*time.Second)
	for _, name := range w.names {
		wantUp(t, name)
	}
	for _, name := range w.names {
		wantMounts(t, name, 1)
	}
	if s := show(t, idle); s.State != "stopped" {
		t.Errorf("%s should be stopped and is %s", idle, s.State)
	}
	wantMounts(t, idle, 0)
	if out := must(t, "systemctl", "list-units", "--failed", "--plain", "--no-legend"); out != "" {
		t.Errorf("failed units:\n%s", out)
	}
	w.compare(t)
}

// compare checks that all rows seen before still exist, and records the new ones.
func (w *whole) compare(t *testing.T) {
	t.Helper()
	now := map[string]string{}
	for path, key := range map[string]string{"/servers": "name", "/jobs": "id", "/users": "name"} {
		var list []map[string]json.RawMessage
		if code := call(t, "GET", path, nil, &list); code != http.StatusOK {
			t.Fatalf("%s: status %d", path, code)
		}
		for _, row := range list {
			now[path+"/"+string(row[key])] = string(row["created_at"])
		}
	}
	for row, made := range w.rows {
		if _, listed := now[row]; listed {
			continue
		}
		if id, isJob := strings.CutPrefix(row, "/jobs/"); !isJob ||
			call(t, "GET", "/jobs/"+strings.Trim(id, `"`), nil, nil) != http.StatusOK {
			t.Errorf("row %s of %s is lost", row, made)
		}
	}
	for row, made := range now {
		w.rows[row] = made
	}
	t.Logf("%d rows", len(w.rows))
}

// pids returns the process ids of the games, by server.
func (w *whole) pids(t *testing.T) map[string]int {
	t.Helper()
	pids := map[string]int{}
	for _, name := range w.names {
		pids[name] = show(t, name).PID
	}
	return pids
}

// untouched checks that the game processes of servers are the earlier ones.
func (w *whole) untouched(t *testing.T, before map[string]int, names ...string) {
	t.Helper()
	for _, name := range names {
		wantUp(t, name)
		if now := show(t, name).PID; now != before[name] {
			t.Errorf("%[1]s is process %[3]d, want %[2]d", name, before[name], now)
		}
	}
}
