//go:build e2e

package e2e

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// These tests check what each user can reach when it is compromised: a hostile process tries it in
// the sandbox of its unit. docs/security.md has the table.

// try is a line of shell and whether it may succeed.
type try struct {
	do  string
	may bool
}

// tries returns a program that runs all tries and prints the result of each.
func tries(all []try) string {
	var b strings.Builder
	b.WriteString("#!/bin/bash\n")
	for i, t := range all {
		// The redirections within a try take effect after these.
		fmt.Fprintf(&b, "if timeout 5 bash -c %s >/dev/null 2>&1 </dev/null; then echo may %d; else echo not %d; fi\n", quote(t.do), i, i)
	}
	b.WriteString("echo end\n")
	return b.String()
}

func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// checkTries compares the output of the program with the expected results.
func checkTries(t *testing.T, all []try, out string) {
	t.Helper()
	if !strings.Contains(out, "end") {
		t.Errorf("the program did not finish:\n%s", out)
	}
	for i, try := range all {
		may := strings.Contains(out, fmt.Sprintf("may %d\n", i))
		if may != try.may {
			t.Errorf("succeeded: %v, want %v: %s", may, try.may, try.do)
		}
	}
}

// writeFile writes a file in the machine.
func writeFile(t *testing.T, name, owner string, mode os.FileMode, text string) {
	t.Helper()
	if err := os.WriteFile(outside+name, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	must(t, "chown", owner, name)
	must(t, "chmod", fmt.Sprintf("%o", mode), name)
}

// probe runs a program in a copy of a unit, which differs from the unit only in its command.
func probe(t *testing.T, unit, program string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("../../deploy/systemd", unit))
	if err != nil {
		t.Fatal(err)
	}
	const name = "left4me-reach-probe.service"
	text := regexp.MustCompile(
		`(?m)^(Exec\w+|Type|Restart\w*|Requires|After|Wants|Conflicts|RuntimeMaxSec|TimeoutStartSec)=.*\n`).ReplaceAllString(string(b), "")
	text = strings.Replace(text, "[Service]\n",
		"[Service]\nType=oneshot\nExecStart=/bin/bash /usr/local/bin/reach\nStandardOutput=truncate:/root/reach.log\n", 1)
	writeFile(t, "/etc/systemd/system/"+name, "root:root", 0o644, text)
	writeFile(t, "/usr/local/bin/reach", "root:root", 0o755, program)
	must(t, "systemctl", "daemon-reload")
	if out, err := in("systemctl", "start", name); err != nil {
		t.Errorf("%s\n%s", out, must(t, "journalctl", "--no-pager", "-u", name, "-n", "20"))
	}
	return must(t, "cat", "/root/reach.log") + "\n"
}

// connects returns a line of shell that connects to a unix socket.
func connects(path string) string {
	return `perl -MSocket -e 'socket(S,PF_UNIX,SOCK_STREAM,0) && connect(S,sockaddr_un($ARGV[0])) or exit 1' ` + path
}

// Paths that each user must be kept from.
var (
	gamePrivate = []try{
		{"cat " + root + "/left4me.db", false},
		{"ls " + root + "/bus", false},
		{"cat /etc/left4me/left4me.env", false},
		{connects("/run/left4me/api.sock"), false},
		{connects("/run/dbus/system_bus_socket"), false},
		{"busctl --system call org.freedesktop.systemd1 /org/freedesktop/systemd1 org.freedesktop.systemd1.Manager StartUnit ss " +
			"left4me-server@beta.service replace", false},
		{"ls " + root + "/instances/beta", false},
		{"ls " + root + "/runtime/beta", false},
		{"ls " + root + "/logs/beta", false},
		{connects("/run/left4me/beta/sock"), false},
	}
	noRoot = []try{
		{"mount -t tmpfs none /mnt", false},
		{"unshare --user --map-root-user true", false},
		{"echo x >/usr/bin/left4me", false},
		{"echo x >/etc/cron.d/x", false},
		{"cat /etc/shadow", false},
		{"ls /root", false},
		{"echo 1 >/proc/sys/kernel/panic", false},
		{"dmesg", false},
		{"mknod /tmp/sda b 8 0", false},
		{"cp /bin/sh /tmp/sh; chown 0 /tmp/sh", false},
		{"kill -0 1", false},
	}
)

// wantPossibleAsRoot makes sure that the targets of the tries exist, by running the tries as root.
func wantPossibleAsRoot(t *testing.T, all ...string) {
	t.Helper()
	for _, do := range all {
		if out, err := in("bash", "-c", do); err != nil {
			t.Errorf("fails even as root: %s\n%s", do, out)
		}
	}
}

func TestHostilePluginReachesOnlyItsServer(t *testing.T) {
	victim := running(t, "beta")
	shim := property(t, "left4me-server@beta.service", "MainPID")
	running(t, "mallory")
	done(t, "POST", "/servers/mallory/stop")
	// The hostile game runs all tries, then becomes the real game.
	all := append(append([]try{
		{"cat " + root + "/instances/mallory/instance.env", true},
		{"echo x >" + root + "/logs/mallory/made", true},
		{"echo x >made", true},
		{"echo x >/dev/shm/x && echo x >/tmp/x", true},
		{connects("/run/left4me/mallory/sock"), true}, // its own shim
		{"echo x >" + root + "/instances/mallory/instance.env", false},
		{"cat " + root + "/instances/mallory/rcon", false},
		{"ls " + root + "/installation", false},
		{"echo x >/run/left4me/x", false},
		{"ls /var/lib/left4me-secret /dev/shm/of-another", false},
		// Tries on the other servers, which run as the same user.
		{"kill -0 " + victim, false},
		{"kill -0 " + shim, false},
		{"ls /proc/" + victim + "/root/", false},
		{"ls /proc/" + shim + "/root/run/left4me/beta", false},
		{"cat /proc/" + victim + "/environ", false},
		{"head -c1 /proc/" + victim + "/mem", false},
		{"readlink /proc/" + victim + "/cwd", false},
		{"exec 3<>/dev/tcp/169.254.169.254/8099", false},
	}, gamePrivate...), noRoot...)
	wantPossibleAsRoot(t, connects("/run/left4me/beta/sock"), connects("/run/left4me/api.sock"), connects("/run/dbus/system_bus_socket"),
		"kill -0 "+victim,
		"ls /proc/"+shim+"/root/run/left4me/beta", "touch /dev/shm/of-another")
	metadata(t)
	upper := root + "/runtime/mallory/upper"
	must(t, "cp", root+"/installation/base/srcds_linux", upper+"/srcds_real")
	writeFile(t, upper+"/srcds_linux", "left4me-game:left4me-game", 0o755,
		strings.Replace(tries(all), "#!/bin/bash\n", "#!/bin/bash\nexec 5>&1 >reached\n", 1)+"exec >&5\nexec ./srcds_real \"$@\"\n")
	done(t, "POST", "/servers/mallory/start")
	checkTries(t, all, must(t, "cat", upper+"/reached")+"\n")
	if now := running(t, "beta"); now != victim {
		t.Errorf("the other game is process %[2]s, want %[1]s", victim, now)
	}
	done(t, "DELETE", "/servers/mallory")
	if out, err := in("ls", "-d", "/run/left4me/mallory"); err == nil {
		t.Errorf("files left: %s", out)
	}
}

// metadata creates an address that answers like the metadata service of a cloud.
func metadata(t *testing.T) {
	t.Helper()
	n := plugIn(t)
	here(t, "nsenter", "--net", "--target", n.other, "ip", "addr", "add", "169.254.169.254/32", "dev", "l4m0")
	here(t, "nsenter", "--net", "--target", n.other, "ip", "addr", "add", "10.9.9.9/32", "dev", "l4m0")
	for _, to := range []string{"169.254.169.254", "10.9.9.9"} {
		here(t, "nsenter", "--net", "--target", n.machine, "ip", "route", "add", to+"/32", "dev", "l4m0")
	}
	var l net.Listener
	n.in(t, n.other, func() (err error) {
		l, err = net.Listen("tcp", ":8099")
		return err
	})
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Close()
		}
	}()
	wantPossibleAsRoot(t, "exec 3<>/dev/tcp/169.254.169.254/8099", "exec 3<>/dev/tcp/10.9.9.9/8099", "exec 3<>/dev/tcp/"+outer4+"/8099")
}

func TestHostileSteamCMDReachesOnlyItsFiles(t *testing.T) {
	game := running(t, "beta")
	left4me := property(t, "left4me.service", "MainPID")
	must(t, "sh", "-ec", `cd `+root+`
		for d in instances runtime logs; do install -d -o left4me -g left4me-game -m 2770 $d/left4me-install; done
		install -d -o left4me -g left4me-game -m 2770 runtime/left4me-install/upper
		printf 'LEFT4ME_STEAM_PASSWORD=its-own\n' >/etc/left4me/steam.env`)
	defer in("rm", "-rf", "/etc/left4me/steam.env", root+"/instances/left4me-install", root+"/runtime/left4me-install",
		root+"/logs/left4me-install")
	metadata(t)
	all := append(append([]try{
		{"ls " + root + "/installation/base", true},
		{"echo x >" + root + "/runtime/left4me-install/upper/x", true},
		{"echo x >" + root + "/logs/left4me-install/x", true},
		{"echo x >" + root + "/steam/x && rm " + root + "/steam/x", true},
		{"[ $LEFT4ME_STEAM_PASSWORD = its-own ]", true},
		{"[ \"$LEFT4ME_SECRET_KEY\" ]", false},
		{"exec 3<>/dev/tcp/" + outer4 + "/8099", true},
		{"exec 3<>/dev/tcp/169.254.169.254/8099", false},
		{"cat /etc/left4me/steam.env", false},
		{"echo x >" + root + "/installation/x", false},
		{"echo x >" + root + "/instances/left4me-install/request.json", false},
		{"ls /run/left4me", false},
		// Tries on left4me, which runs as the same user.
		{"ls /proc/" + left4me + "/root/", false},
		{"cat /proc/" + left4me + "/environ", false},
		{"head -c1 /proc/" + left4me + "/mem", false},
		{"ls " + root + "/overlays", false},
		{"kill -0 " + game, false},
	}, gamePrivate...), noRoot...)
	checkTries(t, all, probe(t, "left4me-install.service", tries(all)))
}

func TestHostileBuildReachesOnlyItsDirectory(t *testing.T) {
	game := running(t, "beta")
	metadata(t)
	dir := root + "/tmp/build-x1"
	panel := "exec 3<>/dev/tcp/127.0.0.1/8000"
	wantPossibleAsRoot(t, panel)
	all := append(append([]try{
		{"echo x >x && mkdir deep && echo x >deep/y && chmod 0600 x", true},
		{"echo x >/tmp/x && echo x >/dev/shm/x", true},
		{"exec 3<>/dev/tcp/" + outer4 + "/8099", true},
		{"exec 3<>/dev/tcp/169.254.169.254/8099", false},
		{"exec 3<>/dev/tcp/10.9.9.9/8099", false},
		{panel, false},
		{"echo x >" + dir + "/script", false},
		{"echo x >" + dir + "/x", false},
		{"ls " + root + "/installation", false},
		{"ls " + root + "/overlays", false},
		{"[ $(ls " + root + " | wc -l) != 1 ]", false},
		{"kill -0 " + game, false},
		{"kill -0 " + property(t, "left4me.service", "MainPID"), false},
		{"head -c 20G /dev/zero >large", false},
	}, gamePrivate...), noRoot...)
	must(t, "sh", "-ec", `
		install -d -o left4me -g left4me-build -m 2750 `+dir+`
		install -d -o left4me -g left4me-build -m 2770 `+dir+`/out
		install -o left4me -g left4me-build -m 0660 /dev/null `+dir+`/log
		install -o left4me -g left4me-build -m 0660 /dev/null `+dir+`/end`)
	defer in("rm", "-rf", dir)
	writeFile(t, dir+"/script", "left4me:left4me-build", 0o640,
		strings.Replace(tries(all), "head -c 20G", "ulimit -f 1; head -c 20G", 1)+"(setsid sleep 1000 &)\nexit 7\n")
	if out, err := ask("left4me", "StartUnit", "left4me-build@x1.service"); err != nil {
		t.Fatal(out)
	}
	eventually(t, "the build has ended", func() bool {
		return property(t, "left4me-build@x1.service", "ActiveState") == "failed"
	})
	if got := property(t, "left4me-build@x1.service", "ExecMainStatus"); got != "7" {
		t.Errorf("got exit status %s, want that of the script", got)
	}
	checkTries(t, all, must(t, "cat", dir+"/log")+"\n")
	if out, err := as("left4me", "sh", "-ec", "cat "+dir+"/out/x; rm -r "+dir+"/out/deep"); err != nil {
		t.Errorf("left4me cannot use the result of the build: %s", out)
	}
	if out, err := in("pgrep", "-u", "left4me-build"); err == nil {
		t.Errorf("processes left: %s", out)
	}
	if out, err := as("left4me", "systemctl", "reset-failed", "left4me-build@x1.service"); err != nil {
		t.Error(out)
	}
}

func TestHostilePanelGainsNoPrivileges(t *testing.T) {
	game := running(t, "beta")
	metadata(t)
	all := append([]try{
		{"cat " + root + "/left4me.db", true},
		{connects("/run/left4me/api.sock"), true},
		{connects("/run/left4me/beta/sock"), true},
		{"ls " + root + "/runtime/beta/upper", true},
		{"systemctl --no-ask-password start left4me-server@beta.service", true},
		{"exec 3<>/dev/tcp/10.9.9.9/8099", true},
		{"exec 3<>/dev/tcp/169.254.169.254/8099", false},
		{"systemctl --no-ask-password start left4me-mount@beta.service", false},
		{"systemctl --no-ask-password stop dbus.service", false},
		{"systemd-run --no-ask-password --uid=0 true", false},
		{"/usr/lib/left4me/left4me-overlay umount beta", false},
		{"echo x >>/etc/left4me/left4me.env", false},
		{"cat /etc/left4me/steam.env", false},
		{"kill -0 " + game, false},
		{"ls /proc/" + game, false},
	}, noRoot...)
	writeFile(t, "/etc/left4me/steam.env", "root:left4me", 0o640, "")
	defer in("rm", "/etc/left4me/steam.env")
	checkTries(t, all, probe(t, "left4me.service", tries(all)))
}

func TestExposureMatchesDocs(t *testing.T) {
	if skip != "" {
		t.Skip(skip)
	}
	doc, err := os.ReadFile("../../docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile("(?m)^\\| `(left4me[^`]*)` \\| (\\d+\\.\\d) \\|").FindAllStringSubmatch(string(doc), -1)
	units, err := filepath.Glob("../../deploy/systemd/*.service")
	if err != nil || len(rows) != len(units) {
		t.Fatalf("%d units, %d rows in the table, %v", len(units), len(rows), err)
	}
	for _, row := range rows {
		unit := strings.Replace(row[1], "@", "@alpha", 1)
		if !strings.HasSuffix(unit, ".service") {
			unit += ".service"
		}
		want, _ := strconv.ParseFloat(row[2], 64)
		out := must(t, "systemd-analyze", "security", "--no-pager", unit)
		found := regexp.MustCompile(`exposure level for \S+: (\d+\.\d)`).FindStringSubmatch(out)
		if found == nil {
			t.Fatalf("%s: %s", unit, out)
		}
		if got, _ := strconv.ParseFloat(found[1], 64); got > want {
			t.Errorf("%s has an exposure of %.1f, docs/security.md says %.1f", unit, got, want)
		}
	}
}
