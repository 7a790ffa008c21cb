//go:build e2e

package e2e

import (
	"testing"
	"time"
)

// promised is the time limit for the end of a cancelled start, and for the deletion of a server
// that is starting.
const promised = 5 * time.Second

// dropIn adds lines to the section [Service] of a unit until the end of the test.
func dropIn(t *testing.T, unit, lines string) {
	t.Helper()
	dir := "/run/systemd/system/" + unit + ".d"
	must(t, "sh", "-c", "mkdir -p "+dir+" && printf '[Service]\\n"+lines+"\\n' >"+dir+"/test.conf && systemctl daemon-reload")
	t.Cleanup(func() { must(t, "sh", "-c", "rm -r "+dir+" && systemctl daemon-reload") })
}

// TestStartIsCancelledWithin5s cancels a start and deletes a starting server, first while its mount
// hangs, then while its game does not answer.
func TestStartIsCancelledWithin5s(t *testing.T) {
	if skip != "" {
		t.Skip(skip)
	}
	const server, mount = "left4me-server@gamma.service", "left4me-mount@gamma.service"
	for _, c := range []struct{ name, unit, lines string }{
		{"during the mount", mount, "ExecStart=\\nExecStart=+/bin/sleep 300"},
		{"while no game answers", server, "Environment=SIM_MAP_LOAD=3600s SIM_IGNORE_QUIT=1 SIM_IGNORE_SIGINT=1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dropIn(t, c.unit, c.lines)
			begin := func() (j job) {
				t.Helper()
				if code := call(t, "POST", "/servers", map[string]string{"name": "gamma"}, nil); code >= 300 && code != 409 {
					t.Fatalf("create: status %d", code)
				}
				if code := call(t, "POST", "/servers/gamma/start", nil, &j); code >= 300 {
					t.Fatalf("start: status %d", code)
				}
				eventually(t, "the start hangs", func() bool {
					if c.unit == mount {
						return property(t, mount, "ActiveState") == "activating"
					}
					return property(t, server, "ActiveState") == "activating" && len(mounts(t, "gamma")) == 1 && show(t, "gamma").PID > 0
				})
				return j
			}
			ended := func(id string) (now job) {
				t.Helper()
				eventually(t, "the start has ended", func() bool {
					call(t, "GET", "/jobs/"+id, nil, &now)
					return now.State != "running" && now.State != "queued"
				})
				return now
			}
			start := begin()
			asked := time.Now()
			if code := call(t, "POST", "/jobs/"+start.ID+"/cancel", nil, nil); code >= 300 {
				t.Fatalf("cancel: status %d", code)
			}
			if now := ended(start.ID); now.State != "cancelled" || time.Since(asked) > promised {
				t.Errorf("the job is %s after %v", now.State, time.Since(asked))
			}
			t.Logf("cancelled within %v", time.Since(asked))
			wantMounts(t, "gamma", 0)
			for _, unit := range []string{server, mount} {
				if got := property(t, unit, "ActiveState"); got != "inactive" {
					t.Errorf("%s is %s", unit, got)
				}
			}
			start = begin()
			asked = time.Now()
			done(t, "DELETE", "/servers/gamma")
			if took := time.Since(asked); took > promised {
				t.Errorf("the deletion took %v", took)
			}
			t.Logf("deleted within %v", time.Since(asked))
			if now := ended(start.ID); now.State != "cancelled" {
				t.Errorf("the start job is %s", now.State)
			}
			wantMounts(t, "gamma", 0)
		})
	}
}
