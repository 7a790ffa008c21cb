//go:build e2e

package e2e

import (
	"encoding/json"
	"strings"
	"testing"
)

// listing returns the content of a directory with modes and owners, as root sees it. Modes and
// owners of whiteouts are left out, because they have no meaning.
func listing(t *testing.T, dir string) string {
	t.Helper()
	return must(t, "sh", "-ec",
		"cd "+dir+` && find . -type c -printf '%y %p\n' -o -printf '%y %m %u:%g %s %p -> %l\n' | grep -v ' ./left4dead2/logs' | sort`)
}

// The panel's user backs up files that the game's user wrote. Root restores them with that owner,
// and the server runs with them.
func TestRestoreKeepsOwners(t *testing.T) {
	srcds := running(t, "alpha")
	merged := root + "/runtime/alpha/merged"
	if out, err := inGame(srcds, `
		cd `+merged+`
		echo 'banid 0 STEAM_1:0:1' >left4dead2/cfg/banned_user.cfg
		rm -f left4dead2/motd.txt
		rm -rf left4dead2/scripts && mkdir left4dead2/scripts && echo x >left4dead2/scripts/own.nut
		echo secret >own && chmod 0600 own
		mkdir -p shared && chmod 2770 shared`); err != nil {
		t.Fatalf("got error %v, %s", err, out)
	}
	var j job
	if code := call(t, "POST", "/backups", nil, &j); code != 202 {
		t.Fatalf("got %d", code)
	}
	must(t, "left4me", "job", "watch", j.ID)
	var all []struct {
		Name, State string
		Warnings    []string
	}
	if err := json.Unmarshal([]byte(must(t, "left4me", "backup", "list", "--json")), &all); err != nil || len(all) != 1 ||
		all[0].State != "verified" {
		t.Fatalf("got %+v, error %v", all, err)
	}
	// Files that not even the group may read are left out with a warning.
	if w := strings.Join(all[0].Warnings, "\n"); !strings.Contains(w, "runtime/alpha/upper/own") {
		t.Errorf("warnings: %q", w)
	}
	file := root + "/backups/" + all[0].Name + ".tar.zst"
	if got := must(t, "stat", "-c", "%a %U:%G", file); got != "600 left4me:left4me" {
		t.Errorf("owner and mode of the archive: %s", got)
	}
	if out := must(t, "sh", "-c", "left4me backup restore "+file+" --force 2>&1; echo $?"); !strings.HasSuffix(out, "4") ||
		!strings.Contains(out, "another left4me is using") {
		t.Errorf("restore while left4me runs: %s", out)
	}

	done(t, "POST", "/servers/alpha/stop")
	must(t, "rm", "-f", root+"/runtime/alpha/upper/own")
	before := listing(t, root+"/runtime/alpha/upper")
	must(t, "systemctl", "stop", "left4me")
	t.Cleanup(func() { must(t, "systemctl", "start", "left4me"); eventually(t, "left4me is back", ready) })
	if out, err := as("left4me", "left4me", "backup", "restore", file, "--force"); err == nil || !strings.Contains(out, "only root") {
		t.Errorf("restore by left4me: %v %s", err, out)
	}
	must(t, "sh", "-ec",
		"rm -rf "+root+"/runtime "+root+"/instances "+root+"/overlays "+root+"/left4me.db* "+root+"/left4me.lock "+root+
			"/tmp; cp /etc/left4me/left4me.env /root/was.env")
	out := must(t, "left4me", "backup", "restore", file, "--settings", "/etc/left4me", "--force")
	if !strings.Contains(out, "settings restored to /etc/left4me/left4me.env") || strings.Contains(out, "not installed") {
		t.Error(out)
	}
	must(t, "cmp", "/root/was.env", "/etc/left4me/left4me.env")
	if got := must(t, "stat", "-c", "%a %U:%G", "/etc/left4me/left4me.env"); got != "640 root:left4me" {
		t.Errorf("owner and mode of the settings: %s", got)
	}
	if after := listing(t, root+"/runtime/alpha/upper"); after != before {
		t.Errorf("before:\n%s\nafterwards:\n%s", before, after)
	}
	if got := must(t, "stat", "-c", "%a %U:%G", root+"/left4me.db",
		root+"/instances/alpha/rcon"); got != "600 left4me:left4me\n600 left4me:left4me-game" {
		t.Errorf("owners and modes: %s", got)
	}
	must(t, "systemctl", "start", "left4me")
	eventually(t, "left4me is back", ready)
	srcds = running(t, "alpha")
	if out, err := inGame(srcds,
		"cd "+merged+
			" && cat left4dead2/cfg/banned_user.cfg && ls left4dead2/scripts && ! test -e left4dead2/motd.txt && touch shared/x "+
			"left4dead2/cfg/more"); err != nil || !strings.Contains(out, "STEAM_1:0:1\nown.nut") {
		t.Errorf("got error %v, %s", err, out)
	}
	done(t, "POST", "/servers/alpha/stop")
}
