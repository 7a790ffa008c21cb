//go:build e2e

package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// parent is the commit whose package is upgraded to the current one: the last commit before
// left4me's packages moved to internal/.
const parent = "ad535d2cf7f2424479a29c2891f452c23316f244"

// packParent builds the package of parent from the repository's history.
func packParent(t *testing.T, version string) (deb string) {
	t.Helper()
	const here = "../.."
	if err := exec.Command("git", "-C", here, "cat-file", "-e", parent+"^{commit}").Run(); err != nil {
		t.Fatalf("this clone has no commit %s, from which it upgrades: git fetch --unshallow", parent)
	}
	tree := filepath.Join(t.TempDir(), "parent")
	if err := command("git", "-C", here, "worktree", "add", "--quiet", "--detach", tree, parent).Run(); err != nil {
		t.Fatalf("check out %s: %v", parent, err)
	}
	t.Cleanup(func() {
		if err := command("git", "-C", here, "worktree", "remove", "--force", tree).Run(); err != nil {
			t.Errorf("remove the tree of %s: %v", parent, err)
		}
	})
	c := exec.Command(filepath.Join(tree, "script", "package"), t.TempDir())
	c.Dir, c.Env, c.Stderr = tree, packing(version), os.Stderr
	out, err := c.Output()
	if err != nil {
		t.Fatalf("script/package of %s: %v", parent, err)
	}
	return strings.TrimSpace(string(out))
}

// process identifies a process, even if its process id is reused.
type process struct{ pid, started string }

func processOf(t *testing.T, pid string) process {
	t.Helper()
	return process{pid, must(t, "sh", "-ec", `sed 's/.*) //' "/proc/$1/stat" | cut -d' ' -f20`, "sh", pid)}
}

// upload is an upload in progress.
type upload struct {
	ID    string
	Files []struct {
		Path       string
		Size, Have int64
	}
}

func (u upload) have() int64 {
	if len(u.Files) == 0 {
		return 0
	}
	return u.Files[0].Have
}

// piece sends a piece of a file and waits for the answer.
func (u upload) piece(t *testing.T, offset, size int64, text string) {
	t.Helper()
	to := fmt.Sprintf("http://left4me/api/v1/uploads/%s/file?path=readme.txt&offset=%d&size=%d", u.ID, offset, size)
	req, err := http.NewRequest("PUT", to, strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if b, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("piece at %d: %d %s: %v", offset, resp.StatusCode, b, err)
	}
}

// hang starts to send a file and keeps the request open.
func (u upload) hang(t *testing.T, size int64, text string) net.Conn {
	t.Helper()
	c, err := new(net.Dialer).DialContext(context.Background(), "unix", outside+"/run/left4me/api.sock")
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriter(c)
	fmt.Fprintf(w, "PUT /api/v1/uploads/%s/file?path=readme.txt&offset=0&size=%d HTTP/1.1\r\nHost: left4me\r\n"+
		"Content-Type: application/octet-stream\r\nContent-Length: %d\r\n\r\n%s", u.ID, size, size, text)
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return c
}

// rows returns everything that users created, in fields that both versions of the API have: what
// commands print may be worded differently.
func rows(t *testing.T) (text string) {
	t.Helper()
	for _, path := range []string{"/users", "/blueprints", "/overlays"} {
		var all []struct {
			Name, Kind string
			Admin      bool
			Overlays   []string
			Servers    []string
		}
		if code := call(t, "GET", path, nil, &all); code != http.StatusOK || len(all) == 0 {
			t.Fatalf("%s: status %d, %d rows", path, code, len(all))
		}
		for _, v := range all {
			text += fmt.Sprintf("%s %+v\n", path, v)
		}
	}
	var servers []struct {
		Name, Blueprint string
		Port            int
		Settings        json.RawMessage
	}
	if code := call(t, "GET", "/servers", nil, &servers); code != http.StatusOK {
		t.Fatalf("servers: status %d", code)
	}
	for _, s := range servers {
		text += fmt.Sprintf("%s %s %d %s\n", s.Name, s.Blueprint, s.Port, s.Settings)
	}
	return text
}

// TestUpgradeKeepsRunningWork upgrades a machine from an earlier package to the current one while
// servers run, a file is being uploaded and a job runs.
func TestUpgradeKeepsRunningWork(t *testing.T) {
	if skip != "" {
		t.Skip(skip)
	}
	old, today := packParent(t, "v0.1.0"), pack(t, "v0.2.0", false)
	fresh(t)
	mustApt(t, old)
	setUpBySetup(t)
	laySteamCMD(t, 1)
	must(t, "sh", "-ec", "echo LEFT4ME_STEAMCMD="+steamCMD+" >>/etc/left4me/left4me.env && systemctl restart left4me")
	eventually(t, "left4me is ready", ready)
	must(t, "left4me", "game", "install", "--wait")

	must(t, "sh", "-ec", `
		mkdir -p /run/systemd/system/left4me-server@.service.d
		printf '[Service]\nEnvironment=SIM_PLAYERS=0\n' >/run/systemd/system/left4me-server@.service.d/players.conf
		systemctl daemon-reload`)
	servers := map[string]process{}
	for _, name := range []string{"alpha", "beta", "delta", "gamma", "omega"} {
		pid := running(t, name)
		servers[name] = processOf(t, pid)
		consoleCommand(t, name, "sim_join Coach")
	}
	if out, err := inGame(servers["alpha"].pid, "echo by a player >"+root+"/runtime/alpha/merged/left4dead2/cfg/own.cfg"); err != nil {
		t.Fatal(out)
	}
	must(t, "left4me", "overlay", "create", "maps")

	const first, rest = "first half, ", "second half"
	size := int64(len(first + rest))
	var u upload
	if code := call(t, "POST", "/overlays/maps/uploads", nil, &u); code != http.StatusCreated {
		t.Fatalf("begin an upload: status %d", code)
	}
	sending := u.hang(t, size, first)
	defer sending.Close()
	eventually(t, "the first half has arrived", func() bool {
		call(t, "GET", "/uploads/"+u.ID, nil, &u)
		return u.have() == int64(len(first))
	})
	slow := "SIM_STEAM_BUILD=2\nSIM_STEAM_ANONYMOUS=1\nSIM_STEAM_SIZE=20M\nSIM_STEAM_CHANGED=100\nSIM_STEAM_RATE=1M\nSIM_STEAM_TICK=20ms\n"
	if err := os.WriteFile(outside+filepath.Dir(steamCMD)+"/sim.env", []byte(slow), 0o644); err != nil {
		t.Fatal(err)
	}
	j := downloading(t)
	installs := processOf(t, property(t, "left4me-install.service", "MainPID"))
	people := rows(t)

	was := property(t, "left4me.service", "MainPID")
	mustApt(t, today)
	eventually(t, "the new left4me is ready", func() bool { return property(t, "left4me.service", "MainPID") != was && ready() })
	if got := must(t, "left4me", "version"); got != "v0.2.0" {
		t.Errorf("left4me is %s", got)
	}

	if now := processOf(t, property(t, "left4me-install.service", "MainPID")); now != installs {
		t.Errorf("the installing process is %v, want %v", now, installs)
	}
	if call(t, "GET", "/jobs/"+j.ID, nil, &j); j.State != "running" {
		t.Errorf("the job is %s although SteamCMD still runs", j.State)
	}
	for name, before := range servers {
		wantUp(t, name)
		if now := processOf(t, fmt.Sprint(show(t, name).PID)); now != before {
			t.Errorf("%s is process %[3]v, want %[2]v", name, before, now)
		}
		wantMounts(t, name, 1)
		consoleCommand(t, name, "sim_join Zoey")
		eventually(t, "both are on "+name, func() bool { return show(t, name).Players == 2 })
		if text := console(t, name); !strings.Contains(text, "left4me: ready after") { // printed before the upgrade
			t.Errorf("the console of %s:\n%s", name, text)
		}
	}
	if now := rows(t); now != people {
		t.Errorf("before the upgrade:\n%s\nafter it:\n%s", people, now)
	}
	if call(t, "GET", "/uploads/"+u.ID, nil, &u); u.have() != int64(len(first)) {
		t.Fatalf("the upload is %+v", u)
	}
	u.piece(t, int64(len(first)), size, rest)
	if b, err := os.ReadFile(outside + root + "/tmp/upload-" + u.ID + "/files/readme.txt"); err != nil || string(b) != first+rest {
		t.Errorf("the uploaded file has %q: %v", b, err)
	}
	eventually(t, "the job ends", func() bool {
		call(t, "GET", "/jobs/"+j.ID, nil, &j)
		return j.State != "queued" && j.State != "running"
	})
	if g := showGame(t); j.State != "done" || g.Current != steamBuild(2) {
		t.Errorf("%+v\n%+v", j, g)
	}
	if out := must(t, "sh", "-c", "systemctl list-units --failed --plain --no-legend 'left4me*'"); out != "" {
		t.Errorf("failed units: %s", out)
	}
}
