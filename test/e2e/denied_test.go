//go:build e2e

package e2e

import (
	"strings"
	"testing"
)

// ask calls a systemd method that takes the name of a unit, over D-Bus. systemctl would correct
// some of the names.
func ask(user, method, unit string) (string, error) {
	return as(user, "busctl", "call", "org.freedesktop.systemd1", "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager", method,
		"ss", unit, "replace")
}

func TestOtherUnitsAreRefused(t *testing.T) {
	pid := running(t, "alpha")
	long := strings.Repeat("a", 65)
	for _, unit := range []string{
		"left4me.service", "dbus.service", "systemd-journald.service", "polkit.service", "reboot.target", "l4d2-game.slice",
		"l4d2-build.slice",
		"left4me-mount@alpha.service", "left4me-mount@zeta.service", "left4me-install@x.service", "left4me-install.target",
		"left4me-build@A.service", "left4me-build@../x.service",
		"left4me-server@" + long + ".service", "left4me-server@A.service", "left4me-server@-x.service", "left4me-server@_x.service",
		`left4me-server@\x2f.service`, `left4me-server@a\x2fb.service`, `left4me-server@..-etc.service`, "left4me-server@../etc.service",
		"left4me-server@a.b.service", "left4me-server@a:b.service", "left4me-server@a@b.service", "left4me-server@.service",
		"left4me-server@alpha.socket", "left4me-server@alpha.target", "left4me-serverx@alpha.service", "xleft4me-server@alpha.service",
		"left4me-server@alpha.service\n", "left4me-server@alpha.service left4me-mount@alpha.service",
	} {
		for _, method := range []string{"StartUnit", "StopUnit", "RestartUnit"} {
			if out, err := ask("left4me", method, unit); err == nil {
				t.Errorf("%s %q was allowed: %s", method, unit, out)
			} else if !refusal(out) {
				t.Errorf("%s %q: %s", method, unit, out)
			}
		}
	}
	unharmed(t, pid)
}

// refusal reports whether systemd refused the call for lack of permission or because of an invalid
// name.
func refusal(out string) bool {
	for _, text := range []string{
		"Access denied", "authentication required", "is not valid", "not a valid unit name",
		"is missing the instance name", "Interactive authentication", "not authorized",
	} {
		if strings.Contains(out, text) {
			return true
		}
	}
	return false
}

func TestOtherVerbsAreRefused(t *testing.T) {
	pid := running(t, "alpha")
	for _, args := range [][]string{
		{"reload", "left4me-server@alpha.service"},
		{"kill", "left4me-server@alpha.service"},
		{"enable", "left4me-server@alpha.service"},
		{"disable", "left4me.service"},
		{"mask", "left4me-server@alpha.service"},
		{"link", "/tmp/left4me-server@x.service"},
		{"set-property", "left4me-server@alpha.service", "CPUWeight=1"},
		{"set-property", "--runtime", "left4me-server@alpha.service", "CPUWeight=1"},
		{"freeze", "left4me-server@alpha.service"},
		{"clean", "left4me-server@alpha.service"},
		{"daemon-reload"},
		{"daemon-reexec"},
		{"set-environment", "LD_PRELOAD=/tmp/x.so"},
		{"set-default", "rescue.target"},
		{"isolate", "rescue.target"},
		{"poweroff"},
		{"reboot"},
	} {
		if out, err := as("left4me", append([]string{"systemctl", "--no-ask-password"}, args...)...); err == nil {
			t.Errorf("%q was allowed: %s", args, out)
		}
	}
	unharmed(t, pid)
}

// systemd 257 asks polkit for a transient unit with the same action as for a start. An existing
// template of the same name prevents a transient unit, so each name is also tried without the
// template.
func TestTransientUnitsWithLeft4meNamesAreRefused(t *testing.T) {
	pid := running(t, "alpha")
	refused := func(when string) {
		t.Helper()
		for _, name := range []string{
			"left4me-server@alpha", "left4me-server@zeta", "left4me-empty@zeta", "left4me-unmount@zeta", "left4me-build@zeta",
			"left4me-install", "left4me-mount@zeta", "left4me", "x",
		} {
			out, err := as("left4me", "systemd-run", "--no-ask-password", "--unit="+name+".service", "--uid=0", "touch", "/root/owned")
			if err == nil || !refusal(out) {
				t.Errorf("a transient unit %s, %s: %v %s", name, when, err, out)
			}
		}
		if _, err := in("ls", "/root/owned"); err == nil {
			t.Errorf("%s: the transient unit ran as root", when)
		}
	}
	refused("with the templates")
	const units = "/usr/lib/systemd/system"
	move := func(from, to string) {
		must(t, "sh", "-ec", "mkdir -p "+to+" && mv "+from+"/left4me-*.service "+to+"/ && systemctl daemon-reload")
	}
	move(units, "/root/units")
	defer func() {
		move("/root/units", units)
		unharmed(t, pid)
	}()
	refused("without them")
}

func TestOnlyUserLeft4meMayStartUnits(t *testing.T) {
	pid := running(t, "alpha")
	for _, user := range []string{"left4me-game", "nobody"} {
		for _, method := range []string{"StartUnit", "StopUnit", "RestartUnit"} {
			if out, err := ask(user, method, "left4me-server@alpha.service"); err == nil || !refusal(out) {
				t.Errorf("%s, %s: %v %s", user, method, err, out)
			}
		}
	}
	unharmed(t, pid)
	// Without this call, the refusals above could have another reason.
	if out, err := ask("left4me", "StopUnit", "left4me-server@alpha.service"); err != nil {
		t.Errorf("left4me may not stop a server: %s", out)
	}
	eventually(t, "alpha has stopped", func() bool { return show(t, "alpha").State == "stopped" })
}

func unharmed(t *testing.T, pid string) {
	t.Helper()
	if now := running(t, "alpha"); now != pid {
		t.Errorf("srcds was %s and is %s", pid, now)
	}
	wantMounts(t, "alpha", 1)
	if got := property(t, "left4me-server@alpha.service", "CPUWeight"); got == "1" {
		t.Error("a property was changed")
	}
}

func TestMissingPolkitRuleIsReported(t *testing.T) {
	running(t, "alpha")
	rule := "/usr/share/polkit-1/rules.d/50-left4me.rules"
	must(t, "mv", rule, "/root/rule")
	must(t, "systemctl", "restart", "polkit")
	j := do(t, "POST", "/servers/alpha/stop")
	out, err := as("left4me", "env", "LEFT4ME_SUPERVISOR=systemd", "left4me", "doctor")
	must(t, "mv", "/root/rule", rule)
	must(t, "systemctl", "restart", "polkit")
	if j.State != "failed" || !strings.Contains(j.Error.Text, "does not have permission to start and stop") ||
		!strings.Contains(j.Error.Hint, "polkit") {
		t.Errorf("got %+v", j)
	}
	if !strings.Contains(out, "does not have permission to start and stop") {
		t.Errorf("doctor: %v\n%s", err, out)
	}
	done(t, "POST", "/servers/alpha/stop")
}

func TestSecondLeft4meKeepsUnits(t *testing.T) {
	if skip != "" {
		t.Skip(skip)
	}
	if out, _ := as("left4me", "env", "LEFT4ME_ROOT=/tmp/other", "left4me", "doctor"); !strings.Contains(out,
		"the installed units use another root directory than LEFT4ME_ROOT=/tmp/other") {
		t.Errorf("doctor:\n%s", out)
	}
	if out, _ := as("left4me", "left4me", "doctor"); strings.Contains(out, "another root directory") {
		t.Errorf("doctor of the first:\n%s", out)
	}
}
