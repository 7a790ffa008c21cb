//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/left4me/left4me/source/a2s"
)

// These tests measure the figures for many servers as units, and for the start of one, in
// docs/performance.md. They take minutes, so they run on request only:
//
//	LEFT4ME_E2E_MANY=200 script/test-e2e -v -run Many

func many(t *testing.T) int {
	t.Helper()
	n, _ := strconv.Atoi(os.Getenv("LEFT4ME_E2E_MANY"))
	if n == 0 {
		t.Skip("LEFT4ME_E2E_MANY is not set")
	}
	if skip != "" {
		t.Skip(skip)
	}
	return n
}

// quick makes the simulated game load its map in the given time, without players.
func quick(t *testing.T, load string) {
	t.Helper()
	dir := "/run/systemd/system/left4me-server@.service.d"
	must(t, "mkdir", "-p", dir)
	writeFile(t, dir+"/sim.conf", "root:root", 0o644, "[Service]\nEnvironment=SIM_PLAYERS=0 SIM_MAP_LOAD="+load+"\n")
	must(t, "systemctl", "daemon-reload")
	t.Cleanup(func() {
		_, _ = in("rm", "-r", dir)
		_, _ = in("systemctl", "daemon-reload")
	})
}

// up returns the number of running servers that left4me reports within a second.
func up() (n int) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "GET", "http://left4me/api/v1/servers", nil)
	if err != nil {
		return 0
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	var list []server
	if err := json.NewDecoder(resp.Body).Decode(&list); err != nil {
		return 0
	}
	for _, s := range list {
		if s.State == "running" && s.PID > 0 {
			n++
		}
	}
	return n
}

// until waits until n servers run.
func until(t *testing.T, n int, within time.Duration) {
	t.Helper()
	for deadline := time.Now().Add(within); up() < n; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			states := map[string]int{}
			var list []server
			call(t, "GET", "/servers", nil, &list)
			for _, s := range list {
				states[fmt.Sprintf("%s %v %s", s.State, s.PID > 0, s.Reason)]++
			}
			t.Fatalf("fewer than %d servers run after %v: %v", n, within, states)
		}
	}
}

func TestManyServersAsUnits(t *testing.T) {
	n := many(t)
	quick(t, "0s")
	name := func(i int) string { return fmt.Sprintf("m%03d", i) }
	for i := range n {
		body := map[string]any{"name": name(i), "port": 20000 + i}
		if code := call(t, "POST", "/servers", body, nil); code != http.StatusCreated {
			t.Fatalf("create: status %d", code)
		}
	}
	begun := time.Now()
	for i := range n {
		if code := call(t, "POST", "/servers/"+name(i)+"/start", nil, nil); code != http.StatusAccepted {
			t.Fatalf("start: status %d", code)
		}
	}
	until(t, n, time.Minute+time.Duration(n)*2*time.Second)
	t.Logf("%d servers run %v after the first start request", n, time.Since(begun).Round(time.Millisecond))
	pids := must(t, "pgrep", "-x", "srcds_linux")
	var all []time.Duration
	for range 5 {
		must(t, "systemctl", "kill", "--signal=KILL", "left4me.service")
		killed := time.Now()
		until(t, n, time.Minute)
		all = append(all, time.Since(killed).Round(time.Millisecond))
	}
	slices.Sort(all)
	t.Logf("kill -9 of left4me: all states are correct again after %v, including systemd's restart delay of 200 ms", all)
	if all[len(all)/2] > 2*time.Second {
		t.Errorf("the median is more than 2 s")
	}
	if now := must(t, "pgrep", "-x", "srcds_linux"); now != pids {
		t.Error("some servers were restarted")
	}
	shims := must(t, "sh", "-c",
		"cat $(for p in $(pgrep -f 'left4me run'); do echo /proc/$p/smaps_rollup; done) 2>/dev/null | awk '/^Pss:/ { s += $2 } END { "+
			"print s / 1024 }'")
	t.Logf("all shims: %s MB (PSS); left4me: %s", shims, status(t, property(t, "left4me.service", "MainPID"), "VmRSS"))
	for i := range n {
		call(t, "POST", "/servers/"+name(i)+"/stop", nil, nil)
	}
	for deadline := time.Now().Add(5 * time.Minute); up() > 0 && time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
	}
}

func TestStartTimeAgainstSystemdRun(t *testing.T) {
	many(t)
	n := plugIn(t)
	for _, load := range []string{"0s", "1s"} {
		quick(t, load)
		running(t, "beta")
		var s struct{ Port int }
		call(t, "GET", "/servers/beta", nil, &s)
		done(t, "POST", "/servers/beta/stop")
		answers := func(port int) {
			for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(2 * time.Millisecond) {
				var err error
				n.in(t, n.machine, func() error { err = info(port); return nil })
				if err == nil {
					return
				}
				if time.Now().After(deadline) {
					t.Fatal(err)
				}
			}
		}
		peer := fmt.Sprintf(`
			cd /var/lib/left4me/runtime && mkdir -p peer/upper peer/work peer/merged && chown left4me-game peer/upper
			mount -t overlay overlay -o lowerdir=%s/installation/base,upperdir=peer/upper,workdir=peer/work peer/merged
			exec systemd-run --quiet --unit=peer --uid=left4me-game --gid=left4me-game --slice=l4d2-game.slice \
				--working-directory=%s/runtime/peer/merged --setenv=SIM_PLAYERS=0 --setenv=SIM_MAP_LOAD=%s \
				./srcds_linux -game left4dead2 -console -ip 0.0.0.0 -port 29000 +map c1m1_hotel`, root, root, load)
		peer = strings.Replace(peer, "./srcds_linux", root+"/runtime/peer/merged/srcds_linux", 1)
		var ours, theirs []time.Duration
		for range 9 {
			begun := time.Now()
			must(t, "systemctl", "start", "left4me-server@beta") // returns when the unit has notified readiness
			answers(s.Port)
			ours = append(ours, time.Since(begun))
			must(t, "systemctl", "stop", "left4me-server@beta")
			eventually(t, "the mount is removed", func() bool { return len(mounts(t, "beta")) == 0 })
			begun = time.Now()
			must(t, "sh", "-ec", peer)
			answers(29000)
			theirs = append(theirs, time.Since(begun))
			must(t, "sh", "-c", "systemctl stop peer; umount "+root+"/runtime/peer/merged; rm -r "+root+"/runtime/peer")
		}
		slices.Sort(ours)
		slices.Sort(theirs)
		a, b := ours[len(ours)/2], theirs[len(theirs)/2]
		t.Logf("map loads in %s: left4me-server@ %v, systemd-run and mount %v, ratio %.2f", load, a.Round(time.Millisecond),
			b.Round(time.Millisecond), float64(a)/float64(b))
	}
}

// info queries a server of this host once.
func info(port int) error {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	c, err := a2s.Dial(ctx, net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = c.Info(ctx)
	return err
}
