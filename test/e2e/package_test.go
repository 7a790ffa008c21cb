//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// fresh boots the machine again without left4me. At its end it sets the machine up for the tests
// that follow.
func fresh(t *testing.T) {
	t.Helper()
	if skip != "" {
		t.Skip(skip)
	}
	t.Cleanup(func() {
		if err := errors.Join(boot(), lay()); err != nil {
			t.Errorf("set up the machine again: %v", err)
		}
	})
	if err := boot(); err != nil {
		t.Fatal(err)
	}
}

// nextSchema is a database migration of a simulated newer version.
const nextSchema = "-- +goose Up\nCREATE TABLE next(x TEXT) STRICT;\n"

// packing returns the environment that makes script/package build a version quickly.
func packing(version string) []string {
	return append(os.Environ(), "LEFT4ME_VERSION="+version, "SOURCE_DATE_EPOCH=1700000000",
		"DPKG_DEB_COMPRESSOR_TYPE=gzip", "DPKG_DEB_COMPRESSOR_LEVEL=1")
}

// pack builds a package of a version. A newer one contains one more migration.
func pack(t *testing.T, version string, newer bool) (deb string) {
	t.Helper()
	dir := t.TempDir()
	c := exec.Command("../../script/package", dir)
	c.Env = packing(version)
	if newer {
		here, err := filepath.Abs("../..")
		if err != nil {
			t.Fatal(err)
		}
		migration, overlay := filepath.Join(dir, "next.sql"), filepath.Join(dir, "overlay.json")
		b, err := json.Marshal(map[string]any{"Replace": map[string]string{here + "/internal/store/migrations/99999_next.sql": migration}})
		if err := errors.Join(err, os.WriteFile(migration, []byte(nextSchema), 0o644), os.WriteFile(overlay, b, 0o644)); err != nil {
			t.Fatal(err)
		}
		c.Env = append(c.Env, "GOFLAGS="+os.Getenv("GOFLAGS")+" -overlay="+overlay)
	}
	c.Stderr = os.Stderr
	out, err := c.Output()
	if err != nil {
		t.Fatalf("script/package: %v", err)
	}
	return strings.TrimSpace(string(out))
}

// apt runs apt on a package file from outside the machine, without network.
func apt(deb string, args ...string) (string, error) {
	b, err := os.ReadFile(deb)
	if err == nil {
		err = os.WriteFile(outside+"/root/"+filepath.Base(deb), b, 0o644)
	}
	if err != nil {
		return "", err
	}
	return in(append([]string{"env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-y"},
		append(args, "/root/"+filepath.Base(deb))...)...)
}

func mustApt(t *testing.T, deb string) string {
	t.Helper()
	out, err := apt(deb)
	if err != nil {
		t.Fatalf("apt install %s: %v\n%s", deb, err, out)
	}
	return out
}

// inMachine dials an address from the machine's network.
func inMachine(_ context.Context, network, address string) (net.Conn, error) {
	type dialed struct {
		conn net.Conn
		err  error
	}
	done := make(chan dialed)
	go func() {
		// The thread is never unlocked, so it ends with the goroutine. No other goroutine can get a
		// thread in the machine's network namespace.
		runtime.LockOSThread()
		ns, err := os.Open(filepath.Dir(outside) + "/ns/net")
		if err != nil {
			done <- dialed{err: err}
			return
		}
		defer ns.Close()
		if err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err != nil {
			done <- dialed{err: err}
			return
		}
		conn, err := net.DialTimeout(network, address, 5*time.Second)
		done <- dialed{conn, err}
	}()
	d := <-done
	return d.conn, d.err
}

// logIn submits the panel's login form, follows the redirect and returns the page.
func logIn(t *testing.T, name, password string) (status int, page string) {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{DialContext: inMachine}
	defer transport.CloseIdleConnections()
	browser := &http.Client{Jar: jar, Timeout: 30 * time.Second, Transport: transport}
	resp, err := browser.PostForm("http://127.0.0.1:8000/login", url.Values{"name": {name}, "password": {password}, "next": {"/servers"}})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// setUpReport is the output of `left4me setup --json`.
type setUpReport struct {
	Steps []struct {
		What string
		Made bool
	}
	URL, Admin, Password, Note string
	Findings                   []struct{ Name, State, Text string }
}

func setUpBySetup(t *testing.T, args ...string) (r setUpReport) {
	t.Helper()
	out := must(t, append([]string{"left4me", "setup", "--json"}, args...)...)
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return r
}

// made returns the steps of the setup that changed the host.
func (r setUpReport) made() (what []string) {
	for _, s := range r.Steps {
		if s.Made {
			what = append(what, s.What)
		}
	}
	return what
}

// steamCMD is the path of the simulated SteamCMD, in a directory that its unit may write to.
const steamCMD = root + "/steam/simulated/steamcmd.sh"

// laySteamCMD installs the simulated SteamCMD in the machine with build as the newest build.
func laySteamCMD(t *testing.T, build int) {
	t.Helper()
	dir := filepath.Dir(steamCMD)
	c := command(programs+"/steamcmd", "lay", outside+dir, fmt.Sprintf("SIM_STEAM_BUILD=%d", build), "SIM_STEAM_SIZE=20M")
	srcds, err := os.ReadFile(programs + "/srcds")
	if err := errors.Join(err, c.Run(), os.MkdirAll(outside+dir+"/depot", 0o755),
		os.WriteFile(outside+dir+"/depot/srcds_linux", srcds, 0o755)); err != nil {
		t.Fatal(err)
	}
	must(t, "chown", "-R", "left4me:", dir) // SteamCMD updates itself in place
}

// steamBuild returns the full number of build n of the simulated Steam.
func steamBuild(n int) int64 { return 15800000 + int64(n) }

// gameState is the state of the game in the machine.
type gameState struct {
	Current int64
	Builds  []struct {
		Build   int64
		Servers []string
	}
	Rollout *struct {
		State   string
		Build   int64
		Servers []struct{ Server, State, Reason string }
	}
}

func showGame(t *testing.T) (g gameState) {
	t.Helper()
	if code := call(t, "GET", "/hosts/local/game", nil, &g); code != http.StatusOK {
		t.Fatalf("game: status %d", code)
	}
	return g
}

// on returns the servers that run build n.
func (g gameState) on(n int) []string {
	for _, b := range g.Builds {
		if b.Build == steamBuild(n) {
			return b.Servers
		}
	}
	return nil
}

// moved returns the state of a server in the newest rollout.
func (g gameState) moved(server string) string {
	if g.Rollout != nil {
		for _, s := range g.Rollout.Servers {
			if s.Server == server {
				return s.State
			}
		}
	}
	return ""
}

// consoleCommand runs a command on a server's console.
func consoleCommand(t *testing.T, name, line string) {
	t.Helper()
	must(t, "left4me", "server", "console", name, "-c", line)
}

// wantUndisturbed checks that the game processes of servers are the earlier ones.
func wantUndisturbed(t *testing.T, pids map[string]string) {
	t.Helper()
	for name, pid := range pids {
		wantUp(t, name)
		if now := running(t, name); now != pid {
			t.Errorf("srcds of %s is process %[3]s, want %[2]s", name, pid, now)
		}
		wantMounts(t, name, 1)
	}
}

// userData returns everything that users created: accounts, servers, and every file that is
// neither the game's nor left4me's own.
func userData(t *testing.T) string {
	t.Helper()
	var servers []struct {
		Name, Blueprint string
		Port            int
		Settings        json.RawMessage
	}
	if code := call(t, "GET", "/servers", nil, &servers); code != http.StatusOK || len(servers) == 0 {
		t.Fatalf("servers: status %d, %v", code, servers)
	}
	text := must(t, "left4me", "user", "list") + "\n" + must(t, "left4me", "blueprint", "list") + "\n"
	for _, s := range servers {
		text += fmt.Sprintf("%s %s %d %s\n", s.Name, s.Blueprint, s.Port, s.Settings)
	}
	return text +
		must(t, "sh", "-ec",
			"cd "+root+
				"; find overlays runtime/*/upper -type f | sort | xargs ls -l --time-style=+%s; find overlays runtime/*/upper -type f | "+
				"sort | xargs sha256sum")
}

// documented returns the commands of a block of docs/backup.md, with the name of the archive filled
// in.
func documented(t *testing.T, heading, deb, archive string) (commands []string) {
	t.Helper()
	b, err := os.ReadFile("../../docs/backup.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, there := strings.Cut(string(b), "\n### "+heading+"\n\n")
	if !there {
		t.Fatalf("docs/backup.md has no block under %q", heading)
	}
	named := strings.NewReplacer("apt install ./left4me_VERSION_amd64.deb", "DEBIAN_FRONTEND=noninteractive apt-get install -y "+deb,
		"./NAME.tar.zst", archive)
	for line := range strings.Lines(text) {
		command, ok := strings.CutPrefix(line, "    ")
		if !ok {
			break
		}
		commands = append(commands, named.Replace(strings.TrimSpace(command)))
	}
	return commands
}

// noUnits waits until systemd lists no unit of left4me. systemd collects unreferenced units in a
// loop of its own, some time after the command that removed the last reference. On failure, noUnits
// prints the reason why a unit remains.
func noUnits(t *testing.T) {
	t.Helper()
	list := []string{"systemctl", "list-units", "--all", "--plain", "--no-legend", "--no-pager", "left4me*", "l4d2-*"}
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		out := must(t, list...)
		if out == "" {
			return
		}
		if time.Now().Before(deadline) {
			continue
		}
		for line := range strings.Lines(out) {
			unit := strings.Fields(line)[0]
			out += "\n" +
				must(t, "sh", "-c",
					`systemctl show -p Id,LoadState,ActiveState,SubState,Job,WantedBy,RequiredBy,Before,After,ReferencedBy,TriggeredBy,ControlGroup "$1"
				cat "/sys/fs/cgroup$(systemctl show --value -p ControlGroup "$1")/cgroup.procs" 2>&1
				find /etc/systemd /run/systemd -name "$1*" 2>&1
				systemctl list-jobs --no-pager`, "sh", unit)
		}
		t.Fatalf("units remain:\n%s", out)
	}
}

var password = regexp.MustCompile(`^[A-Z2-7]{26}$`)

// TestPackageFromInstallToRestore covers the life of a machine with the package, from the
// installation to a restore. Each step continues with the state of the one before.
func TestPackageFromInstallToRestore(t *testing.T) {
	fresh(t)
	m := &packaged{deb: pack(t, "v0.1.0", false), newer: pack(t, "v0.2.0", true), pids: map[string]string{}}
	for _, step := range []struct {
		what string
		do   func(*testing.T)
	}{
		{"the package contains the polkit rule after the templates", m.polkitRule},
		{"a command has a manual page", m.manualPage},
		{"the package installs without a network and starts nothing", m.installs},
		{"setup creates missing parts and changes nothing when run again", m.setsUp},
		{"setup creates the given administrator and changes no password", m.setsUpAdministrator},
		{"the administrator logs in", m.logsIn},
		{"SteamCMD installs the game", m.installsGame},
		{"two servers run", m.runsServers},
		{"an update restarts an empty server and not one with players", m.updatesGame},
		{"a rollback restarts the server on the old build", m.rollsBack},
		{"an upgrade keeps servers running and a copy of the database", m.upgrades},
		{"an older package is refused before it replaces anything", m.refusesOlderPackage},
		{"an older program refuses the database, reports the reason and stays down", m.refusesOlderProgram},
		{"a backup is created while servers run", m.backsUp},
		{"the documented commands restore a backup on the same machine", m.restoresHere},
		{"removing the package stops everything and keeps the data", m.removes},
		{"a new installation finds all data", m.installsAgain},
		{"purging removes the configuration and keeps the data of servers", m.purges},
		{"a backup can be restored on an empty machine", m.restoresElsewhere},
	} {
		if !t.Run(step.what, step.do) {
			return
		}
	}
}

// packaged is a machine with the package installed, and the state that the steps share.
type packaged struct {
	deb, newer      string            // paths of the packages
	secret          string            // the administrator's password
	pids            map[string]string // process ids of the servers' games
	before, archive string            // belongings at the time of the backup, and its archive
}

func (m *packaged) polkitRule(t *testing.T) {
	// dpkg unpacks files in archive order and removes them in reverse order. The polkit rule must
	// come after the units, so it never exists without them.
	out, err := exec.Command("sh", "-ec", "dpkg-deb --fsys-tarfile "+m.deb+" | tar -t").Output()
	rule := bytes.Index(out, []byte("/polkit-1/rules.d/50-left4me.rules"))
	if unit := bytes.LastIndex(out, []byte("/systemd/system/left4me-")); err != nil || rule < 0 || unit < 0 || unit > rule {
		t.Errorf("%v: the unit is at %d, the polkit rule at %d", err, unit, rule)
	}
}

func (m *packaged) manualPage(t *testing.T) {
	out, err := exec.Command("sh", "-ec",
		"dpkg-deb --fsys-tarfile "+m.deb+" | tar -xO ./usr/share/man/man1/left4me-server-start.1.gz | gzip -d").Output()
	if err != nil || !strings.Contains(string(out), "v0.1.0") || !strings.Contains(string(out), "start all servers") {
		t.Errorf("%v: %s", err, out)
	}
}

func (m *packaged) installs(t *testing.T) {
	out := mustApt(t, m.deb)
	if !strings.HasSuffix(out, "\nleft4me is installed. Next step, as root: left4me setup") {
		t.Errorf("the output does not end with the next step:\n%s", out)
	}
	for _, user := range []string{"left4me", "left4me-game"} {
		must(t, "id", user)
	}
	if state, _ := in("systemctl", "is-active", "left4me"); state != "inactive" {
		t.Errorf("left4me is %s", state)
	}
	if out, err := as("left4me", "left4me", "setup"); err == nil || !strings.Contains(out, "only root can") {
		t.Errorf("setup by left4me: %v, %s", err, out)
	}
}

func (m *packaged) setsUp(t *testing.T) {
	r := setUpBySetup(t)
	if got := r.made(); len(got) != 3 { // the package has already created users and directories
		t.Errorf("changed steps: %q", got)
	}
	if r.Admin != "admin" || !password.MatchString(r.Password) || r.URL != "http://127.0.0.1:8000" {
		t.Errorf("got %+v", r)
	}
	m.secret = r.Password
	env := must(t, "cat", "/etc/left4me/left4me.env")
	if got := must(t, "stat", "-c", "%a %U:%G", "/etc/left4me/left4me.env"); got != "640 root:left4me" {
		t.Errorf("owner and mode of the settings: %s", got)
	}
	pid := property(t, "left4me.service", "MainPID")
	again := setUpBySetup(t)
	if got := again.made(); len(got) > 0 || again.Password != "" {
		t.Errorf("second setup: %+v", again)
	}
	if now := must(t, "cat", "/etc/left4me/left4me.env"); now != env {
		t.Errorf("the settings changed from %q to %q", env, now)
	}
	if now := property(t, "left4me.service", "MainPID"); now != pid {
		t.Error("left4me was restarted")
	}
	if got := must(t, "systemctl", "is-enabled", "left4me"); got != "enabled" {
		t.Errorf("left4me is %s", got)
	}
	// left4me.service has a mount namespace of its own. Its user must be an administrator outside
	// of that namespace, too.
	if out, err := as("left4me", "left4me", "user", "list"); err != nil {
		t.Errorf("left4me's own user: %v, %s", err, out)
	}
	for _, f := range again.Findings {
		t.Logf("doctor: %+v", f)
	}
}

func (m *packaged) setsUpAdministrator(t *testing.T) {
	setUp := func(password string) (r setUpReport) {
		out := must(t, "sh", "-ec", "printf '%s\\n' "+password+" | left4me setup --json --admin coach --password-stdin")
		if err := json.Unmarshal([]byte(out), &r); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return r
	}
	if r := setUp("first-of-two-passwords"); r.Admin != "coach" || r.Note != "" {
		t.Errorf("got %+v", r)
	}
	if r := setUp("another-of-two-passwords"); r.Admin != "" ||
		!strings.Contains(r.Note, "coach exists; the password from standard input was not used") {
		t.Errorf("second setup: %+v", r)
	}
	if status, _ := logIn(t, "coach", "first-of-two-passwords"); status != http.StatusOK {
		t.Errorf("login: status %d", status)
	}
	must(t, "left4me", "user", "create", "looker", "--generate")
	out, err := in("left4me", "setup", "--admin", "looker")
	if err == nil || !strings.Contains(out, "the user looker already exists and is not an administrator") {
		t.Errorf("as a user who is no administrator: %v %s", err, out)
	}
	doAs(t, out, "root")
	must(t, "left4me", "setup", "--admin", "looker")
}

func (m *packaged) logsIn(t *testing.T) {
	if status, page := logIn(t, "admin", m.secret); status != http.StatusOK || !strings.Contains(page, "Servers") ||
		strings.Contains(page, `action="/login"`) {
		t.Errorf("got %d, %s", status, page)
	}
	if status, _ := logIn(t, "admin", m.secret+"x"); status != http.StatusUnauthorized {
		t.Errorf("with a wrong password: status %d", status)
	}
}

func (m *packaged) installsGame(t *testing.T) {
	laySteamCMD(t, 1)
	must(t, "sh", "-ec", "echo LEFT4ME_STEAMCMD="+steamCMD+" >>/etc/left4me/left4me.env && systemctl restart left4me")
	eventually(t, "left4me is ready", ready)
	must(t, "left4me", "game", "install", "--wait")
	if g := showGame(t); g.Current != steamBuild(1) {
		t.Errorf("got %+v", g)
	}
}

func (m *packaged) runsServers(t *testing.T) {
	must(t, "sh", "-ec", `
			mkdir -p /run/systemd/system/left4me-server@.service.d
			printf '[Service]\nEnvironment=SIM_PLAYERS=0\n' >/run/systemd/system/left4me-server@.service.d/players.conf
			systemctl daemon-reload`)
	must(t, "sh", "-ec", "cd "+root+`
			mkdir -p overlays/house/1/left4dead2/cfg
			echo 'sv_alltalk 1' >overlays/house/1/left4dead2/cfg/house.cfg
			chown -R left4me:left4me-game overlays
			chmod -R g+rX,o-w overlays`)
	must(t, "left4me", "blueprint", "create", "house", "--overlay", "house")
	for _, name := range []string{"alpha", "beta"} {
		must(t, "left4me", "server", "create", name, "--blueprint", "house")
		must(t, "left4me", "server", "start", name, "--wait")
		m.pids[name] = running(t, name)
	}
	if out, err := inGame(m.pids["alpha"], "echo by a player >"+root+"/runtime/alpha/merged/left4dead2/cfg/own.cfg"); err != nil {
		t.Fatal(out)
	}
}

func (m *packaged) updatesGame(t *testing.T) {
	consoleCommand(t, "alpha", "sim_join Coach")
	eventually(t, "a player on alpha", func() bool { return show(t, "alpha").Players == 1 })
	laySteamCMD(t, 2)
	must(t, "left4me", "game", "update", "--restart", "empty", "--wait")
	if g := showGame(t); g.Current != steamBuild(2) {
		t.Errorf("got %+v", g)
	}
	// The rollout waits until the server has been empty for a minute.
	within(t, 2*time.Minute, "beta runs the new build", func() bool { return showGame(t).moved("beta") == "moved" })
	wantUndisturbed(t, map[string]string{"alpha": m.pids["alpha"]})
	if now := running(t, "beta"); now == m.pids["beta"] {
		t.Error("beta was not restarted")
	}
	if g := showGame(t); g.moved("alpha") == "moved" {
		t.Errorf("got %+v", g)
	}
}

func (m *packaged) rollsBack(t *testing.T) {
	must(t, "left4me", "game", "rollback", "--restart", "now", "--wait")
	if g := showGame(t); g.Current != steamBuild(1) {
		t.Errorf("got %+v", g)
	}
	eventually(t, "beta runs the old build",
		func() bool { g := showGame(t); return g.Rollout.State == "done" && g.Rollout.Build == steamBuild(1) })
	wantUndisturbed(t, map[string]string{"alpha": m.pids["alpha"]}) // alpha never left that build
	m.pids["beta"] = running(t, "beta")
	eventually(t, "both run on the first build", func() bool { return len(showGame(t).on(1)) == 2 })
}

func (m *packaged) upgrades(t *testing.T) {
	old := property(t, "left4me.service", "MainPID")
	mustApt(t, m.newer)
	eventually(t, "the new left4me is ready", func() bool { return property(t, "left4me.service", "MainPID") != old && ready() })
	if got := must(t, "left4me", "version"); got != "v0.2.0" {
		t.Errorf("the unit is %s", got)
	}
	wantUndisturbed(t, m.pids)
	must(t, "sh", "-c", "ls "+root+"/left4me.db.v*")
}

func (m *packaged) refusesOlderPackage(t *testing.T) {
	pid := property(t, "left4me.service", "MainPID")
	out, err := apt(m.deb, "--allow-downgrades")
	if err == nil || !strings.Contains(out, "is version 99999, this left4me knows up to") {
		t.Fatalf("%v\n%s", err, out)
	}
	if got := must(t, "left4me", "version"); got != "v0.2.0" {
		t.Errorf("left4me is %s", got)
	}
	if now := property(t, "left4me.service", "MainPID"); now != pid || !ready() {
		t.Error("left4me was restarted")
	}
	if out := must(t, "dpkg", "--audit"); out != "" {
		t.Errorf("dpkg is left with:\n%s", out)
	}
	wantUndisturbed(t, m.pids)
}

func (m *packaged) refusesOlderProgram(t *testing.T) {
	must(t, "sh", "-ec", "dpkg-deb --fsys-tarfile /root/"+filepath.Base(m.deb)+" | tar -xC / ./usr/bin/left4me")
	_, _ = in("systemctl", "restart", "left4me")
	eventually(t, "the older program stops", func() bool { return property(t, "left4me.service", "ActiveState") == "failed" })
	if out, _ := in("systemctl", "status", "--no-pager", "--full", "left4me"); !strings.Contains(out,
		"the database has schema version 99999") {
		t.Errorf("the unit's status lacks the reason:\n%s", out)
	}
	if out, err := as("left4me", "left4me", "doctor"); err == nil ||
		!strings.Contains(out, "database: "+root+"/left4me.db: the database has schema version 99999") {
		t.Errorf("doctor does not report the reason: %v\n%s", err, out)
	}
	if out, err := in("left4me", "setup"); err == nil || !strings.Contains(out, "the database has schema version 99999") {
		t.Errorf("setup does not report the reason: %v\n%s", err, out)
	}
	if _, err := apt(m.newer, "--reinstall"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the newer one runs again", ready)
	wantUndisturbed(t, m.pids)
}

func (m *packaged) backsUp(t *testing.T) {
	m.before = userData(t)
	must(t, "left4me", "backup", "create")
	name, _, _ := strings.Cut(must(t, "left4me", "backup", "list", "--quiet"), "\n")
	m.archive = "/root/" + name + ".tar.zst"
	must(t, "left4me", "backup", "download", name, m.archive)
	wantUndisturbed(t, m.pids)
}

func (m *packaged) restoresHere(t *testing.T) {
	for _, command := range documented(t, "On the same machine", "", m.archive) {
		must(t, "sh", "-ec", command)
	}
	for name := range m.pids {
		wantUp(t, name)
		m.pids[name] = running(t, name)
	}
	must(t, "sh", "-c", "ls -d "+root+"/before-restore-*")
}

func (m *packaged) removes(t *testing.T) {
	// An administrator may have enabled the firewall unit.
	must(t, "systemctl", "enable", "left4me-firewall.service")
	must(t, "systemctl", "add-wants", "rescue.target", "left4me.service")
	must(t, "apt-get", "remove", "-y", "left4me")
	if out := must(t, "find", "/etc/systemd/system", "/run/systemd/system", "-type", "l", "-name", "left4me*"); out != "" {
		t.Errorf("links:\n%s", out)
	}
	noUnits(t)
	for name := range m.pids {
		wantMounts(t, name, 0)
	}
	if out, err := in("pgrep", "-u", "left4me,left4me-game"); err == nil {
		t.Errorf("processes:\n%s", out)
	}
	must(t, "ls", root+"/left4me.db", "/etc/left4me/left4me.env")
}

func (m *packaged) installsAgain(t *testing.T) {
	mustApt(t, m.newer)
	if got := setUpBySetup(t).made(); len(got) != 1 || got[0] != "left4me.service" {
		t.Errorf("changed steps: %q", got)
	}
	if status, _ := logIn(t, "admin", m.secret); status != http.StatusOK {
		t.Errorf("login: status %d", status)
	}
	for name := range m.pids {
		must(t, "left4me", "server", "start", name, "--wait")
		m.pids[name] = running(t, name)
	}
	must(t, "cat", root+"/runtime/alpha/merged/left4dead2/cfg/own.cfg")
}

func (m *packaged) purges(t *testing.T) {
	out := must(t, "apt-get", "purge", "-y", "left4me")
	if !strings.Contains(out, root) {
		t.Errorf("the output does not name the data directory:\n%s", out)
	}
	if out, err := in("ls", "-d", "/etc/left4me"); err == nil {
		t.Error(out)
	}
	must(t, "ls", root+"/left4me.db", root+"/runtime/alpha/upper/left4dead2/cfg/own.cfg", root+"/installation/base")
}

func (m *packaged) restoresElsewhere(t *testing.T) {
	// User ids differ on another machine.
	must(t, "sh", "-ec",
		"rm -r "+root+
			"/* && sed -i /^left4me/d /etc/passwd /etc/group /etc/shadow /etc/gshadow && systemd-sysusers --inline 'u somebody'")
	for _, command := range documented(t, "On a new machine", "/root/"+filepath.Base(m.newer), m.archive) {
		out := must(t, "sh", "-ec", command)
		if command != "left4me setup" {
			continue
		}
		if strings.Contains(out, "log in as") {
			t.Errorf("a second administrator was created: %s", out)
		}
		if status, _ := logIn(t, "admin", m.secret); status != http.StatusOK {
			t.Errorf("login: status %d", status)
		}
		if after := userData(t); after != m.before {
			t.Errorf("before:\n%s\nafter:\n%s", m.before, after)
		}
		laySteamCMD(t, 2)
	}
	for name := range m.pids {
		wantUp(t, name)
	}
	if state, _ := in("systemctl", "is-enabled", "left4me"); state != "enabled" {
		t.Errorf("at boot left4me is %s", state)
	}
}

func TestPackageIsReproducible(t *testing.T) {
	// Build in another directory, without git, in another time zone and with another umask.
	dir := t.TempDir()
	copied := exec.Command("sh", "-ec",
		`git ls-files -co --exclude-standard -z | tar --null --ignore-failed-read -T - -cf - 2>/dev/null | tar -xf - -C "$0"`, dir)
	copied.Dir = "../.."
	if out, err := copied.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	c := exec.Command("sh", "-ec", `umask 077; exec script/package "$0"`, t.TempDir())
	c.Dir, c.Stderr = dir, os.Stderr
	c.Env = append(packing("v0.1.0"), "TZ=Pacific/Auckland", "GOFLAGS=")
	out, err := c.Output()
	if err != nil {
		t.Fatal(err)
	}
	there, errThere := os.ReadFile(strings.TrimSpace(string(out)))
	here, errHere := os.ReadFile(pack(t, "v0.1.0", false))
	if err := errors.Join(errThere, errHere); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(there, here) {
		t.Errorf("the packages differ: %d bytes here, %d bytes there", len(here), len(there))
	}
}

func TestPackageReplacesManualInstallation(t *testing.T) {
	pids := map[string]string{"alpha": running(t, "alpha")}
	old := property(t, "left4me.service", "MainPID")
	mustApt(t, pack(t, "v0.1.0", false))
	eventually(t, "the package's left4me is ready", func() bool { return property(t, "left4me.service", "MainPID") != old && ready() })
	wantUndisturbed(t, pids)
	for _, file := range []string{"/usr/bin/left4me", "/usr/lib/left4me/left4me-overlay", "/usr/lib/systemd/system/left4me.service"} {
		must(t, "dpkg", "--search", file)
	}
}
