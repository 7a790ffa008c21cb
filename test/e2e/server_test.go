//go:build e2e

package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestUnitsAreWellFormed(t *testing.T) {
	if skip != "" {
		t.Skip(skip)
	}
	units, err := filepath.Glob("../../deploy/systemd/*")
	if err != nil || len(units) < 7 {
		t.Fatalf("got %q, error %v", units, err)
	}
	args := []string{"systemd-analyze", "verify"}
	for _, u := range units {
		args = append(args, strings.Replace(filepath.Base(u), "@.", "@alpha.", 1))
	}
	out, err := in(args...)
	if err != nil || out != "" { // systemd would log a warning at each load of the unit
		t.Errorf("%v\n%s", err, out)
	}
	for _, unit := range []string{
		"left4me.service", "left4me-server@a.service", "left4me-empty@a.service", "left4me-mount@a.service",
		"left4me-unmount@a.service",
	} {
		out := must(t, "systemd-analyze", "security", "--no-pager", unit)
		t.Log(out[strings.LastIndexByte(out, '\n')+1:])
	}
}

func TestServerRunsWithoutPrivileges(t *testing.T) {
	srcds := running(t, "alpha")
	for _, p := range []struct{ what, pid, user string }{
		{"left4me", property(t, "left4me.service", "MainPID"), "left4me"},
		{"the shim", property(t, "left4me-server@alpha.service", "MainPID"), "left4me-game"},
		{"srcds", srcds, "left4me-game"},
	} {
		uid := must(t, "id", "-u", p.user)
		if got := strings.Fields(status(t, p.pid, "Uid")); got[0] != uid || got[1] != uid {
			t.Errorf("%s runs as %s, want %s (%s)", p.what, got, uid, p.user)
		}
		if got := status(t, p.pid, "NoNewPrivs"); got != "1" {
			t.Errorf("%s: NoNewPrivs %s", p.what, got)
		}
		for _, set := range []string{"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"} {
			if got := strings.Trim(status(t, p.pid, set), "0"); got != "" {
				t.Errorf("%s: %s %s", p.what, set, got)
			}
		}
	}
	got := mounts(t, "alpha")
	if len(got) != 1 || !strings.Contains(got[0], "nosuid") || !strings.Contains(got[0], "nodev") ||
		!strings.HasSuffix(got[0], " overlay") {
		t.Errorf("got mounts in the namespace of systemd: %q", got)
	}
	if s := show(t, "alpha"); s.Map != "c1m1_hotel" {
		eventually(t, "the first query of the server", func() bool { return show(t, "alpha").Map == "c1m1_hotel" })
	}
}

// inGame runs a shell script in the namespaces of the game and as its user.
func inGame(pid, script string) (string, error) {
	return in("nsenter", "--target", pid, "--mount", "setpriv", "--reuid=left4me-game", "--regid=left4me-game", "--clear-groups", "sh",
		"-ec", script)
}

func TestGameReachesOnlyItsOwnFiles(t *testing.T) {
	running(t, "beta")
	alpha := running(t, "alpha")
	for _, script := range []string{
		"cat /etc/left4me/left4me.env",
		"cat " + root + "/left4me.db",
		"ls " + root + "/installation",
		"ls " + root + "/instances/beta",
		"ls " + root + "/runtime/beta",
		"cat " + root + "/instances/alpha/rcon",
		"touch " + root + "/instances/alpha/instance.env",
		"touch " + root + "/x",
		"touch /usr/x",
		"rm /run/left4me/api.sock",
		"ls /run/left4me/beta",
		"touch /run/left4me/x",
		"ls /run/dbus/",
		"umount " + root + "/runtime/alpha/merged",
	} {
		if out, err := inGame(alpha, script); err == nil {
			t.Errorf("the game must not succeed: %s\n%s", script, out)
		}
	}
	for _, script := range []string{
		"cat " + root + "/instances/alpha/instance.env",
		"echo x >" + root + "/runtime/alpha/merged/left4dead2/cfg/made-by-the-game.cfg",
		"echo x >" + root + "/logs/alpha/made-by-the-game",
		"rm " + root + "/runtime/alpha/merged/steam_appid.txt",
		"echo x >>" + root + "/runtime/alpha/merged/left4dead2/motd.txt",
		"mkdir -p " + root + "/runtime/alpha/merged/left4dead2/missions/made/by/the/game",
	} {
		if out, err := inGame(alpha, script); err != nil {
			t.Errorf("the game must succeed: %s\n%s", script, out)
		}
	}
	base := outside + root + "/installation/base/"
	if _, err := os.Lstat(base + "steam_appid.txt"); err != nil {
		t.Errorf("a file that one server removed: %v", err)
	}
	if b, err := os.ReadFile(base + "left4dead2/motd.txt"); err != nil || strings.HasSuffix(string(b), "x\n") {
		t.Errorf("a file that one server changed has %q, %v", b, err)
	}
	if _, err := os.Lstat(base + "left4dead2/missions/made"); err == nil {
		t.Error("a file that one server created is in the installation")
	}
}

func TestKilledGameRestartsOnSameMount(t *testing.T) {
	pid := running(t, "alpha")
	before := mounts(t, "alpha")
	must(t, "kill", "-9", pid)
	eventually(t, "the next game process runs", func() bool {
		s := show(t, "alpha")
		return s.State == "running" && s.PID > 0 && running(t, "alpha") != pid
	})
	if after := mounts(t, "alpha"); len(after) != 1 || after[0] != before[0] {
		t.Errorf("mounts changed from %q to %q", before, after)
	}
}

func TestKilledShimRestartsOnSameMount(t *testing.T) {
	pid := running(t, "alpha")
	before := mounts(t, "alpha")
	shim := property(t, "left4me-server@alpha.service", "MainPID")
	must(t, "kill", "-9", shim)
	eventually(t, "the next game process runs", func() bool {
		now := property(t, "left4me-server@alpha.service", "MainPID")
		return now != shim && now != "0"
	})
	wantUp(t, "alpha")
	if now := running(t, "alpha"); now == pid {
		t.Errorf("the game %s outlived its shim", pid)
	}
	if after := mounts(t, "alpha"); len(after) != 1 || after[0] != before[0] {
		t.Errorf("mounts changed from %q to %q", before, after)
	}
}

// TestGameThatExitsIsRestarted makes a game restart itself, as a plugin can, and later ends
// it from left4me's console.
func TestGameThatExitsIsRestarted(t *testing.T) {
	pid := running(t, "alpha")
	before := mounts(t, "alpha")
	enter := func(line string) {
		if code := call(t, "POST", "/servers/alpha/console", map[string]string{"command": line}, nil); code != http.StatusOK {
			t.Fatalf("%s: %d", line, code)
		}
	}
	enter("_restart")
	eventually(t, "the next game process runs", func() bool {
		s := show(t, "alpha")
		return s.State == "running" && s.PID > 0 && strconv.Itoa(s.PID) != pid
	})
	if after := mounts(t, "alpha"); len(after) != 1 || after[0] != before[0] {
		t.Errorf("mounts changed from %q to %q", before, after)
	}
	enter("quit")
	eventually(t, "alpha is stopped", func() bool { return show(t, "alpha").State == "stopped" && len(mounts(t, "alpha")) == 0 })
	var jobs []struct{ Kind, By string }
	if call(t, "GET", "/jobs?server=alpha&limit=1", nil, &jobs); len(jobs) != 1 || jobs[0].Kind != "server.stop" || jobs[0].By != "root" {
		t.Errorf("the last job: %+v", jobs)
	}
}

// TestReasonAfterSystemdGivesUp kills the shim as often as systemd restarts it.
func TestReasonAfterSystemdGivesUp(t *testing.T) {
	running(t, "alpha")
	const unit = "left4me-server@alpha.service"
	killed := map[string]bool{"0": true}
	eventually(t, "systemd gives up", func() bool {
		if shim := property(t, unit, "MainPID"); !killed[shim] {
			killed[shim] = true
			must(t, "kill", "-9", shim)
		}
		return property(t, unit, "ActiveState") == "failed"
	})
	t.Log(must(t, "systemctl", "show", "-p", "Result,NRestarts,ExecMainStatus", unit))
	want := fmt.Sprintf("the unit ended %d times within 60 s; the last time: the unit's process was killed by SIGKILL", len(killed)-1)
	eventually(t, "alpha has failed", func() bool { return show(t, "alpha").State == "failed" })
	if s := show(t, "alpha"); s.Reason != want {
		t.Errorf("got reason %q, want %q", s.Reason, want)
	}
	running(t, "alpha")
}

// TestLeft4meSurvivesJournaldStop stops journald. Writing to the log then raises SIGPIPE.
func TestLeft4meSurvivesJournaldStop(t *testing.T) {
	game := running(t, "alpha")
	pid := property(t, "left4me.service", "MainPID")
	must(t, "sh", "-c",
		"systemctl stop systemd-journald.socket systemd-journald-dev-log.socket systemd-journald.service; systemctl start "+
			"systemd-journald.service")
	name := fmt.Sprint("logged-after-", time.Now().UnixNano())
	for range 2 {
		if code := call(t, "POST", "/servers/alpha/console", map[string]string{"command": name}, nil); code != http.StatusOK {
			t.Fatalf("command: status %d", code)
		}
	}
	if now := property(t, "left4me.service", "MainPID"); now != pid {
		t.Errorf("left4me is process %[2]s, want %[1]s", pid, now)
	}
	if now := running(t, "alpha"); now != game {
		t.Errorf("srcds is process %[2]s, want %[1]s", game, now)
	}
	eventually(t, "left4me logs again", func() bool {
		return strings.Contains(must(t, "journalctl", "--no-pager", "-u", "left4me", "-n", "20"), name)
	})
}

func TestServerOutlivesLeft4meUnit(t *testing.T) {
	pid := running(t, "alpha")
	before := mounts(t, "alpha")
	said := console(t, "alpha")
	for _, end := range [][]string{
		{"systemctl", "kill", "--signal=KILL", "left4me.service"},
		{"systemctl", "kill", "--signal=QUIT", "--kill-whom=main", "left4me.service"}, // ends like a panic
		{"systemctl", "restart", "left4me.service"},
	} {
		old := property(t, "left4me.service", "MainPID")
		must(t, end...)
		eventually(t, "left4me is back", func() bool {
			now := property(t, "left4me.service", "MainPID")
			return now != old && now != "0" && ready()
		})
		wantUp(t, "alpha")
		if now := running(t, "alpha"); now != pid {
			t.Errorf("%[1]q: srcds is process %[3]s, want %[2]s", end, pid, now)
		}
		if after := mounts(t, "alpha"); len(after) != 1 || after[0] != before[0] {
			t.Errorf("%q: mounts changed from %q to %q", end, before, after)
		}
		if now := console(t, "alpha"); !strings.HasPrefix(now, said) || said == "" {
			t.Errorf("%q: the console changed from %q to %q", end, said, now)
		}
	}
}

// console returns everything that a server has printed so far.
func console(t *testing.T, name string) string {
	t.Helper()
	resp, err := client.Get("http://left4me/api/v1/servers/" + name + "/console")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	for lines := bufio.NewReader(resp.Body); ; {
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if data, ok := strings.CutPrefix(line, "data: "); ok {
			var chunk struct{ Text string }
			if err := json.Unmarshal([]byte(data), &chunk); err != nil {
				t.Fatal(err)
			}
			return chunk.Text
		}
	}
}

func TestLeft4meReconnectsAfterDBusRestart(t *testing.T) {
	running(t, "alpha")
	must(t, "systemctl", "restart", "dbus.service")
	must(t, "systemctl", "restart", "polkit.service")
	done(t, "POST", "/servers/alpha/stop")
	running(t, "alpha")
}

func TestStopLeavesNothingMounted(t *testing.T) {
	running(t, "alpha")
	j := do(t, "POST", "/servers/alpha/stop")
	if j.State != "done" {
		t.Fatalf("got %+v", j)
	}
	wantMounts(t, "alpha", 0)
	for _, unit := range []string{"left4me-server@alpha.service", "left4me-mount@alpha.service"} {
		if got := property(t, unit, "ActiveState"); got != "inactive" {
			t.Errorf("%s is %s", unit, got)
		}
	}
	found := false
	for _, s := range j.Steps {
		found = found || s.Label == "unmount overlay (if mounted)" && s.State == "done"
	}
	if !found {
		t.Errorf("steps: %+v", j.Steps)
	}
	if s := show(t, "alpha"); s.State != "stopped" || s.PID != 0 {
		t.Errorf("the server is %+v", s)
	}
	done(t, "POST", "/servers/alpha/stop") // a second stop succeeds, too
}

// litter creates files that a plugin could leave in its server's directory.
const litter = `
cd ` + root + `/runtime/NAME/merged
mkdir -p left4dead2/cfg/closed/deep left4dead2/missions/own made/by/plugin
echo x >left4dead2/cfg/closed/deep/file
ln -s /etc made/link
mkfifo made/fifo
chmod 0600 left4dead2/cfg/closed/deep/file
chmod 0000 left4dead2/cfg/closed/deep made/by
chmod 0700 left4dead2/cfg/closed left4dead2/missions/own made
rm -rf left4dead2/maps
rm -f steam_appid.txt`

func TestResetRemovesFilesOfGame(t *testing.T) {
	pid := running(t, "alpha")
	if out, err := inGame(pid, strings.ReplaceAll(litter, "NAME", "alpha")); err != nil {
		t.Fatal(out)
	}
	done(t, "POST", "/servers/alpha/reset")
	wantUp(t, "alpha")
	for _, gone := range []string{"made", "left4dead2/cfg/closed", "left4dead2/missions/own"} {
		if _, err := in("ls", "-d", root+"/runtime/alpha/merged/"+gone); err == nil {
			t.Errorf("%s still exists", gone)
		}
	}
	for _, back := range []string{"steam_appid.txt", "left4dead2/maps/c1m1_hotel.bsp"} { // files that the game had removed
		must(t, "ls", root+"/runtime/alpha/merged/"+back)
	}
}

func TestDeleteRemovesEverything(t *testing.T) {
	pid := running(t, "gamma")
	if out, err := inGame(pid, strings.ReplaceAll(litter, "NAME", "gamma")); err != nil {
		t.Fatal(out)
	}
	must(t, "kill", "-9", pid) // creates a crash report, which must be deleted
	eventually(t, "the crash is recorded", func() bool {
		_, err := in("sh", "-c", "ls "+root+"/logs/gamma/crashes/*.json")
		return err == nil
	})
	done(t, "DELETE", "/servers/gamma")
	wantMounts(t, "gamma", 0)
	if out, err := in("sh", "-c", "ls -d "+root+"/*/gamma"); err == nil {
		t.Errorf("files left:\n%s", out)
	}
	wantNoUnits(t, "gamma")
}

func TestRefusedMountIsReported(t *testing.T) {
	running(t, "beta")
	done(t, "POST", "/servers/beta/stop")
	upper := outside + root + "/runtime/beta/upper"
	if err := unix.Setxattr(upper, "user.fuseoverlayfs.opaque", []byte("y"), 0); err != nil {
		t.Fatal(err)
	}
	j := do(t, "POST", "/servers/beta/start")
	if j.State != "failed" || !strings.Contains(j.Error.Text, "written by fuse-overlayfs") ||
		!strings.Contains(j.Error.Hint, "see journalctl -u left4me-mount@beta") {
		t.Errorf("got %+v", j)
	}
	wantMounts(t, "beta", 0)
	wantNoUnits(t, "beta") // the failed mount was reported and its unit collected
	done(t, "POST", "/servers/beta/reset")
	wantUp(t, "beta")
}

// wantNoUnits checks that systemd has unloaded every unit of a server.
func wantNoUnits(t *testing.T, name string) {
	t.Helper()
	units := ""
	eventually(t, "the units of "+name+" are unloaded", func() bool {
		units = must(t, "systemctl", "list-units", "--all", "--plain", "--no-legend", "left4me-*@"+name+".*")
		return units == ""
	})
}

// wreckage creates files that a plugin could leave in the runtime directory and the logs of its
// server.
const wreckage = `
cd ` + root + `/runtime/NAME
rm -rf merged work
ln -s /etc merged
mkfifo work
mkdir own own/closed
mv home own/home
echo x >own/closed/file
logs=$(mktemp -d ` + root + `/logs/NAME/closed-XXXX)
mkdir $logs/deep
chmod 0000 own/closed own $logs/deep $logs`

// warning returns the warnings of a job.
func warning(j job) (all string) {
	for _, s := range j.Steps {
		all += s.Warning
	}
	return all
}

func TestStopAndDeleteSucceedDespiteHostileFiles(t *testing.T) {
	running(t, "delta")
	done(t, "POST", "/servers/delta/stop")
	wreck := func() {
		t.Helper()
		if out, err := as("left4me-game", "sh", "-ec", strings.ReplaceAll(wreckage, "NAME", "delta")); err != nil {
			t.Fatal(out)
		}
	}
	whole := func(method, path string) {
		t.Helper()
		j := do(t, method, path)
		if j.State != "done" || warning(j) != "" {
			t.Fatalf("got %+v", j)
		}
	}
	wreck()
	whole("POST", "/servers/delta/stop")
	whole("POST", "/servers/delta/reset")
	wantUp(t, "delta")
	whole("POST", "/servers/delta/stop")
	wreck()
	whole("DELETE", "/servers/delta")
	if out, err := in("sh", "-c", "ls -d "+root+"/*/delta "+root+"/tmp/aside-delta-*"); !strings.Contains(out, "aside-delta-*") ||
		strings.Contains(out, "/delta\n") {
		t.Errorf("files left: %v\n%s", err, out)
	}
	wantNoUnits(t, "delta")

	// Neither left4me nor the game may remove these: directories that overlayfs leaves after a
	// power cut, which the helper removes, and files of root.
	running(t, "delta")
	done(t, "POST", "/servers/delta/stop")
	must(t, "sh", "-ec",
		"cd "+root+"/runtime/delta; mkdir -m 0 work/work; mkdir -p upper/roots/deep; chmod 0700 upper/roots; mkdir "+root+
			"/logs/delta/roots; touch "+root+"/logs/delta/roots/file")
	whole("DELETE", "/servers/delta")
	if out, err := in("sh", "-c", "ls -d "+root+"/*/delta"); err == nil {
		t.Errorf("files left:\n%s", out)
	}
	wantNoUnits(t, "delta")
	removeDeleted(t, "delta")
	if out := must(t, "sh", "-c", "left4me doctor || true"); !strings.Contains(out, root+"/tmp/aside-deleted-") {
		t.Errorf("doctor does not name the files:\n%s", out)
	}
	running(t, "delta") // the name must be free
	done(t, "DELETE", "/servers/delta")
	removeDeleted(t, "delta")
	must(t, "sh", "-c", "rm -rf "+root+"/tmp/aside-*")
	if out, err := in("sh", "-c", "ls -d "+root+"/tmp/aside-*"); err == nil {
		t.Errorf("files left:\n%s", out)
	}
}

// removeDeleted permanently removes all deleted servers with a name, and their files.
func removeDeleted(t *testing.T, name string) {
	t.Helper()
	var all struct {
		Items []struct{ ID, Name string }
	}
	if code := call(t, "GET", "/deleted-servers", nil, &all); code != http.StatusOK {
		t.Fatalf("deleted servers: status %d", code)
	}
	removed := 0
	for _, v := range all.Items {
		if v.Name != name {
			continue
		}
		removed++
		if code := call(t, "DELETE", "/deleted-servers/"+v.ID, nil, nil); code != http.StatusOK {
			t.Fatalf("remove deleted server %s: status %d", v.ID, code)
		}
		eventually(t, "the files of "+v.ID+" are removed", func() bool {
			_, err := in("sh", "-c", "ls -d "+root+"/*/deleted-"+v.ID)
			return err != nil
		})
	}
	if removed == 0 {
		t.Fatalf("no deleted server is called %s: %+v", name, all)
	}
}

// hold keeps a file in a server's stack open until release is called.
func hold(t *testing.T, name, how string) (release func()) {
	t.Helper()
	merged := root + "/runtime/" + name + "/merged"
	c := exec.Command("./machine", "exec", "sh", "-c", "exec 3"+how+merged+"/held; exec cat")
	stdin, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the file is open", func() bool {
		_, err := in("sh", "-c", "ls -l /proc/[0-9]*/fd/3 2>/dev/null | grep -q "+merged+"/held")
		return err == nil
	})
	return func() {
		stdin.Close()
		_ = c.Wait()
	}
}

func TestReaderDoesNotDelayStop(t *testing.T) {
	running(t, "beta")
	must(t, "touch", root+"/runtime/beta/merged/held")
	defer hold(t, "beta", "<")()
	done(t, "POST", "/servers/beta/stop")
	wantMounts(t, "beta", 0)
	running(t, "beta")
}

func TestWriterKeepsMountBusy(t *testing.T) {
	running(t, "beta")
	before := mounts(t, "beta")
	release := hold(t, "beta", ">")
	for range 2 {
		j := do(t, "POST", "/servers/beta/stop")
		if j.State != "failed" || !strings.Contains(j.Error.Text, "still writes") {
			t.Errorf("got %+v", j)
		}
		if s := show(t, "beta"); s.State != "stopped" {
			t.Errorf("the server is %+v", s)
		}
	}
	running(t, "beta")
	if after := mounts(t, "beta"); len(after) != 1 || after[0] != before[0] {
		t.Errorf("mounts changed from %q to %q", before, after)
	}
	if j := do(t, "POST", "/servers/beta/stop"); j.State != "failed" {
		t.Errorf("got %+v", j)
	}
	release()
	done(t, "POST", "/servers/beta/stop")
	wantMounts(t, "beta", 0)
}

// A server that is renamed while it runs stays in its unit. The next start uses the unit of the new
// name and leaves neither a unit nor a directory of the old name.
func TestRenamedServerUsesUnitOfNewName(t *testing.T) {
	pid := running(t, "early")
	if code := call(t, "POST", "/servers/early/rename", map[string]string{"name": "late"}, nil); code != http.StatusOK {
		t.Fatalf("rename: status %d", code)
	}
	if s := show(t, "late"); s.State != "running" || strconv.Itoa(s.PID) != pid {
		t.Errorf("got server %+v, want process %s", s, pid)
	}
	if state := property(t, "left4me-server@early.service", "ActiveState"); state != "active" {
		t.Errorf("the unit of the old name is %s", state)
	}
	must(t, "systemctl", "restart", "left4me")
	eventually(t, "left4me is ready", ready)
	wantUp(t, "late")
	if s := show(t, "late"); strconv.Itoa(s.PID) != pid {
		t.Errorf("got process %d, which must not be the earlier %s", s.PID, pid)
	}
	done(t, "POST", "/servers/late/restart")
	wantUp(t, "late")
	if state := property(t, "left4me-server@late.service", "ActiveState"); state != "active" {
		t.Errorf("the unit of the new name is %s", state)
	}
	if units := must(t, "systemctl", "list-units", "--all", "--plain", "--no-legend", "left4me-*@early.*"); units != "" {
		t.Errorf("units of the old name: %s", units)
	}
	for _, dir := range []string{root + "/instances/early", root + "/runtime/early", root + "/logs/early"} {
		if _, err := in("ls", "-d", dir); err == nil {
			t.Errorf("%s still exists", dir)
		}
	}
	done(t, "DELETE", "/servers/late")
}
