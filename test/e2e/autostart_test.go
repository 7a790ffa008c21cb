//go:build e2e

package e2e

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"
)

// runningServers returns the process id of each running server, by name.
func runningServers(t *testing.T) map[string]int {
	t.Helper()
	var list []struct {
		Name, State string
		PID         int
	}
	if code := call(t, "GET", "/servers", nil, &list); code != http.StatusOK {
		t.Fatalf("list: status %d", code)
	}
	up := map[string]int{}
	for _, s := range list {
		if s.PID > 0 && s.State == "running" {
			up[s.Name] = s.PID
		}
	}
	return up
}

// wantNoFailedUnits checks that no unit of left4me is in the state failed.
func wantNoFailedUnits(t *testing.T) {
	t.Helper()
	if failed := must(t, "systemctl", "list-units", "--failed", "--no-legend", "--plain", "left4me*"); strings.TrimSpace(failed) != "" {
		t.Errorf("failed units:\n%s", failed)
	}
}

func TestServersStartAfterReboot(t *testing.T) {
	if skip != "" {
		t.Skip(skip)
	}
	const dir, n = "/etc/systemd/system/left4me-server@.service.d", 20
	must(t, "mkdir", "-p", dir)
	writeFile(t, dir+"/sim.conf", "root:root", 0o644, "[Service]\nEnvironment=SIM_PLAYERS=0 SIM_MAP_LOAD=0s\n")
	must(t, "systemctl", "daemon-reload")
	name := func(i int) string { return fmt.Sprintf("reboot%02d", i) }
	t.Cleanup(func() {
		for i := range n {
			call(t, "DELETE", "/servers/"+name(i), nil, nil)
		}
		_, _ = in("rm", "-r", dir)
		_, _ = in("systemctl", "daemon-reload")
	})
	const off, always, never = "reboot01", "reboot02", "reboot03"
	for i := range n {
		body := map[string]any{"name": name(i), "port": 21000 + i}
		switch name(i) {
		case always:
			body["autostart"] = "always"
		case never:
			body["autostart"] = "never"
		}
		if code := call(t, "POST", "/servers", body, nil); code != http.StatusCreated {
			t.Fatalf("create: status %d", code)
		}
	}
	for i := range n {
		call(t, "POST", "/servers/"+name(i)+"/start", nil, nil)
	}
	until(t, n, 2*time.Minute)
	done(t, "POST", "/servers/"+off+"/stop")
	done(t, "POST", "/servers/"+always+"/stop")

	for _, how := range []struct {
		name string
		boot func(*testing.T)
	}{{"reboot", reboot}, {"power cut", powercut}} {
		must(t, "sh", "-ec", "echo kept >/etc/kept && echo kept >"+root+"/tmp/kept && echo gone >/run/gone")
		boot := must(t, "cat", "/proc/sys/kernel/random/boot_id")
		how.boot(t)
		came := time.Now()
		until(t, n-2, 2*time.Minute)
		t.Logf("%s: %d servers run %v after left4me was ready", how.name, n-2, time.Since(came).Round(time.Millisecond))
		now := runningServers(t)
		for i := range n {
			_, runs := now[name(i)]
			if want := name(i) != off && name(i) != never; runs != want {
				t.Errorf("%s: server %s runs: %v", how.name, name(i), runs)
			}
		}
		if s := show(t, never); s.State != "stopped" || !strings.Contains(s.Reason, "autostart is set to never") {
			t.Errorf("%s: %s is %s, %s", how.name, never, s.State, s.Reason)
		}
		var jobs []struct{ By, Reason, Kind string }
		call(t, "GET", "/jobs?limit=1&server="+name(0), nil, &jobs)
		if len(jobs) != 1 || jobs[0].By != "left4me" || jobs[0].Reason != "started after a reboot" {
			t.Errorf("%s: %+v", how.name, jobs)
		}
		wantNoFailedUnits(t)
		if must(t, "cat", "/proc/sys/kernel/random/boot_id") == boot {
			t.Errorf("%s: the machine did not reboot", how.name)
		}
		must(t, "cat", "/etc/kept", root+"/tmp/kept")
		if _, err := in("cat", "/run/gone"); err == nil {
			t.Errorf("%s: a file in /run was kept", how.name)
		}

		// A restart of left4me leaves running servers running and stopped servers stopped.
		must(t, "systemctl", "restart", "left4me.service")
		eventually(t, "left4me is ready again", ready)
		eventually(t, "the servers are seen again", func() bool { return maps.Equal(runningServers(t), now) })
		done(t, "POST", "/servers/"+always+"/stop") // stopped for the power cut
	}
}
