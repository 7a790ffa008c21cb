//go:build e2e

package e2e

import (
	"os"
	"strings"
	"testing"
)

// setting restarts left4me with LEFT4ME_STEAMCMD set to steamcmd.
func setting(t *testing.T, steamcmd string) {
	t.Helper()
	name := outside + "/etc/left4me/left4me.env"
	b, err := os.ReadFile(name)
	if err == nil {
		kept, _, _ := strings.Cut(string(b), "LEFT4ME_STEAMCMD=")
		err = os.WriteFile(name, []byte(kept+"LEFT4ME_STEAMCMD="+steamcmd+"\n"), 0o640)
	}
	if err != nil {
		t.Fatal(err)
	}
	must(t, "systemctl", "restart", "left4me")
	eventually(t, "left4me is back", ready)
}

// A SteamCMD outside the root runs from its own directory and updates itself there, which its unit must
// permit. Debian's SteamCMD copies itself to its home directory.
func TestSteamCMDRunsOutsideRoot(t *testing.T) {
	running(t, "alpha")
	const own, debian = "/opt/steamcmd", "/usr/lib/games/steam"
	lay := func(dir, build string) {
		t.Helper()
		if err := command(programs+"/steamcmd", "lay", outside+dir, "SIM_STEAM_ANONYMOUS=1", "SIM_STEAM_FILES=20",
			"SIM_STEAM_BUILD="+build).Run(); err != nil {
			t.Fatal(err)
		}
		if err := command("install", "-D", "-m", "0755", programs+"/srcds", outside+dir+"/depot/srcds_linux").Run(); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		must(t, "rm", "-rf", own, debian, "/usr/games/steamcmd", "/etc/systemd/system/left4me-install.service.d")
		must(t, "systemctl", "daemon-reload")
		setting(t, "")
		done(t, "POST", "/servers/alpha/stop")
	})

	lay(own, "20")
	must(t, "chown", "-R", "left4me:", own)
	setting(t, own+"/steamcmd.sh")
	j := do(t, "POST", "/hosts/local/game/update")
	if j.State != "failed" || !strings.Contains(j.Error.Hint, "systemctl edit left4me-install") ||
		!strings.Contains(j.Error.Hint, "ReadWritePaths="+own) {
		t.Errorf("in a directory that the unit may not write to: %+v", j)
	}
	must(t, "sh", "-ec", `mkdir -p /etc/systemd/system/left4me-install.service.d
		printf '[Service]\nReadWritePaths=`+own+`\n' >/etc/systemd/system/left4me-install.service.d/override.conf
		systemctl daemon-reload`)
	done(t, "POST", "/hosts/local/game/update")
	if g := gameNow(t); g.Current != 15800020 {
		t.Errorf("got %+v", g)
	}
	must(t, "test", "-e", own+"/package/steam_cmd_linux.installed") // SteamCMD has updated itself
	must(t, "rm", "-r", "/etc/systemd/system/left4me-install.service.d")
	must(t, "systemctl", "daemon-reload")

	lay(debian, "21")
	must(t, "sh", "-ec", `mkdir -p /usr/games
		cat >/usr/games/steamcmd <<'END'
#!/bin/sh
own=$HOME/.local/share/Steam/steamcmd
[ -d "$own" ] || { mkdir -p "${own%/*}" && cp -r `+debian+` "$own"; }
exec "$own/steamcmd.sh" "$@"
END
		chmod 0755 /usr/games/steamcmd`)
	setting(t, "/usr/games/steamcmd")
	done(t, "POST", "/hosts/local/game/update")
	if g := gameNow(t); g.Current != 15800021 {
		t.Errorf("got %+v", g)
	}
	done(t, "POST", "/servers/alpha/restart") // removes the links to Steam's libraries
}
