//go:build e2e

package e2e

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/left4me/left4me/internal/left4me"
)

var quoted = regexp.MustCompile("(as root: )?`([^`]+)`")

// commandsOf returns the commands of a hint and the user who must run them. "as root" applies to
// all commands after it.
func commandsOf(hint, user string) (commands []string, by string) {
	for _, m := range quoted.FindAllStringSubmatch(hint, -1) {
		if m[1] != "" {
			user = "root"
		}
		commands = append(commands, m[2])
	}
	return commands, user
}

// doAs runs each command of a hint in a shell.
func doAs(t *testing.T, hint, user string) {
	t.Helper()
	commands, by := commandsOf(hint, user)
	if len(commands) == 0 {
		t.Errorf("no command in the hint %q", hint)
	}
	for _, c := range commands {
		if out, err := as(by, "sh", "-c", c); err != nil {
			t.Errorf("%s (hint for %s, run by %s): %v\n%s", c, user, by, err, out)
		}
	}
}

// TestHintCommandsWork checks the hints that need systemd, for root and for a member of the group
// left4me. cmd/left4me tests the others.
func TestHintCommandsWork(t *testing.T) {
	if skip != "" {
		t.Skip(skip)
	}
	must(t, "sh", "-ec", "printf 'u newcomer -\nm newcomer left4me\n' | systemd-sysusers -")
	for _, user := range []string{"root", "newcomer"} {
		t.Run(user, func(t *testing.T) {
			must(t, "systemctl", "stop", "left4me")
			out, err := as(user, "left4me", "server", "list")
			if err == nil || !strings.Contains(out, "`systemctl start left4me`") {
				t.Errorf("with left4me down: %v %s", err, out)
			}
			doAs(t, out, user)
			eventually(t, "left4me is ready", ready)

			out, err = as(user, "left4me", "server", "list")
			if user == "root" && err != nil || user != "root" && err == nil {
				t.Errorf("with left4me up: %v %s", err, out)
			}
			if err != nil {
				doAs(t, out, user)
			}
			if out, err = as(user, "env", "LEFT4ME_TOKEN=l4m_0000000000000000000000000000000000000000", "left4me", "server",
				"list"); err == nil {
				t.Errorf("with an invalid token: %s", out)
			}
			if user != "root" {
				out, err = as(user, "left4me", "setup")
				if err == nil {
					t.Errorf("setup: %s", out)
				}
				doAs(t, out, user)
			}
			for _, c := range findings(t, user) {
				if c.State == left4me.CheckBroken && !slices.Contains(aside, c.Name) {
					t.Errorf("doctor: %+v", c)
				}
				if strings.Contains(c.Mend, "timedatectl") {
					t.Errorf("doctor suggests setting the clock in a container: %+v", c)
				}
				if commands, _ := commandsOf(c.Mend, user); len(commands) > 0 && !slices.Contains(aside, c.Name) &&
					!strings.Contains(c.Mend, "apt-get") {
					doAs(t, strings.ReplaceAll(c.Mend, "left4me doctor`", "left4me doctor || [ $? = 1 ]`"), user)
				}
			}
		})
	}
}

// A machine on which only the package was installed must be told to run the setup first.
func TestHintsBeforeSetupNameSetup(t *testing.T) {
	if skip != "" {
		t.Skip(skip)
	}
	must(t, "systemctl", "stop", "left4me")
	must(t, "mv", "/etc/left4me/left4me.env", "/root/left4me.env")
	out, err := in("left4me", "server", "list")
	if err == nil || !strings.Contains(out, "`left4me setup`") {
		t.Errorf("got error %v, %s", err, out)
	}
	must(t, "mv", "/root/left4me.env", "/etc/left4me/left4me.env")
	must(t, "systemctl", "start", "left4me")
	eventually(t, "left4me is ready", ready)
}
