//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/left4me/left4me/internal/left4me"
)

// findings returns the checks that `left4me doctor` reports in the machine.
func findings(t *testing.T, user string, args ...string) []left4me.Check {
	t.Helper()
	out, err := as(user, append([]string{"left4me", "doctor", "--json"}, args...)...)
	var all struct {
		Checks  []left4me.Check
		Healthy bool
	}
	if begin := strings.Index(out, "{"); begin < 0 {
		t.Fatalf("%v: %s", err, out)
	} else if err := json.Unmarshal([]byte(out[begin:]), &all); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if all.Healthy != (err == nil) || all.Healthy != left4me.Healthy(all.Checks) {
		t.Errorf("healthy is %v, but the command ended with %v: %+v", all.Healthy, err, all.Checks)
	}
	return all.Checks
}

// found returns the worst finding with the given name.
func found(t *testing.T, user, name string) left4me.Check {
	t.Helper()
	return worst(t, findings(t, user), name)
}

func worst(t *testing.T, all []left4me.Check, name string) left4me.Check {
	t.Helper()
	named := slices.DeleteFunc(slices.Clone(all), func(c left4me.Check) bool { return c.Name != name })
	if len(named) == 0 {
		t.Fatalf("no finding named %s: %+v", name, all)
	}
	if c, wrong := left4me.FirstWrong(named); wrong {
		return c
	}
	return named[0]
}

// aside lists the checks that fail in every test machine: it has no network, and it has the clock
// and the disk of its host.
var aside = []string{"Steam", "Steam's downloads", "clock", "disk"}

func TestDoctorFindsNothingOnHealthyHost(t *testing.T) {
	if skip != "" {
		t.Skip(skip)
	}
	for _, user := range []string{"left4me", "root"} {
		for _, c := range findings(t, user) {
			if c.State != left4me.CheckOK && c.State != left4me.CheckSkipped && !slices.Contains(aside, c.Name) ||
				c.State == left4me.CheckBroken {
				t.Errorf("as %s: %+v", user, c)
			}
		}
		for _, name := range []string{"overlay", "supervisor", "units", "polkit", "users", "root directory", "ownership", "game"} {
			if c := found(t, user, name); c.State != left4me.CheckOK {
				t.Errorf("as %s: %+v", user, c)
			}
		}
	}
}

func TestDoctorFindsDropInsThatWeakenUnit(t *testing.T) {
	if skip != "" {
		t.Skip(skip)
	}
	for _, tt := range []struct {
		unit, text string
		state      left4me.CheckState
		says       string
	}{
		{"left4me-mount@.service", "[Service]\nPrivateTmp=yes\n", left4me.CheckBroken, "PrivateTmp="},
		{"left4me-mount@.service", "[Service]\nProtectHome=tmpfs\n", left4me.CheckBroken, "ProtectHome="},
		{"left4me.service", "[Service]\nProtectSystem=no\n", left4me.CheckWarn, "ProtectSystem="},
		{"left4me-server@.service", "[Service]\nUser=root\n", left4me.CheckWarn, "User="},
	} {
		dir := "/run/systemd/system/" + tt.unit + ".d"
		must(t, "mkdir", "-p", dir)
		if err := os.WriteFile(outside+dir+"/50-doctor.conf", []byte(tt.text), 0o644); err != nil {
			t.Fatal(err)
		}
		must(t, "systemctl", "daemon-reload")
		for _, user := range []string{"left4me", "root"} {
			c := found(t, user, "unit "+tt.unit)
			if c.State != tt.state || !strings.Contains(c.Text, tt.says) || !strings.Contains(c.Mend, "daemon-reload") {
				t.Errorf("%q as %s: %+v", tt.text, user, c)
			}
		}
		must(t, "rm", "-r", dir)
		must(t, "systemctl", "daemon-reload")
	}
	if c := found(t, "left4me", "units"); c.State != left4me.CheckOK {
		t.Errorf("without drop-ins: %+v", c)
	}
}

func TestDoctorFindsMissingPolkitRule(t *testing.T) {
	if skip != "" {
		t.Skip(skip)
	}
	const rule = "/usr/share/polkit-1/rules.d/50-left4me.rules"
	must(t, "mv", rule, rule+".away")
	must(t, "systemctl", "restart", "polkit")
	if c := found(t, "root", "polkit"); c.State != left4me.CheckBroken || !strings.Contains(c.Text, rule+" is missing") || c.Mend == "" {
		t.Errorf("as root: %+v", c)
	}
	// On Debian 12, only polkit may read its rules: left4me sees that access is denied.
	if c := found(t, "left4me", "polkit"); c.State != left4me.CheckBroken || c.Mend == "" {
		t.Errorf("as left4me: %+v", c)
	}
	must(t, "mv", rule+".away", rule)
	must(t, "systemctl", "restart", "polkit")
	eventually(t, "polkit allows left4me to start its units again",
		func() bool { return found(t, "left4me", "polkit").State == left4me.CheckOK })
}

func TestDoctorRepairsOwnersAndModes(t *testing.T) {
	if skip != "" {
		t.Skip(skip)
	}
	must(t, "chmod", "0777", root+"/runtime")
	must(t, "chown", "root:root", root+"/logs")
	must(t, "chmod", "0777", root+"/installation/base")
	must(t, "chmod", "0644", "/etc/left4me/left4me.env")
	must(t, "rm", "-rf", root+"/.steam")
	wrong := []string{
		"runtime has the mode 0777", "logs belongs to root:root", "left4me.env has the mode 0644",
		"every user may write to " + root + "/installation/base",
	}
	for _, user := range []string{"left4me", "root"} {
		said := fmt.Sprint(findings(t, user))
		for _, w := range wrong {
			if !strings.Contains(said, w) {
				t.Errorf("as %s: no finding contains %q: %s", user, w, said)
			}
		}
	}
	if out, err := as("left4me", "left4me", "doctor", "--fix"); err == nil || !strings.Contains(out, "as root: `left4me doctor --fix`") {
		t.Errorf("without root: %v %s", err, out)
	}
	all := findings(t, "root", "--fix")
	for _, name := range []string{"ownership", "layers", "secret key"} {
		if c := worst(t, all, name); c.State != left4me.CheckOK {
			t.Errorf("after the repair by root: %+v", c)
		}
	}
	for path, want := range map[string]string{
		root + "/runtime": "left4me", root + "/logs": "left4me", root + "/installation/base": "left4me:left4me-game 775",
		"/etc/left4me/left4me.env": "root:left4me 640", root + "/.steam": "left4me", root + "/.steam/sdk32": "left4me",
	} {
		out, err := in("stat", "-c", "%U:%G %a", path)
		if err != nil || !strings.HasPrefix(out, want) {
			t.Errorf("%s: got owner and mode %s, want %s: %v", path, out, want, err)
		}
	}
	if out, err := as("root", "left4me", "doctor", "--fix"); err != nil || strings.Contains(out, "mended") {
		t.Errorf("with nothing to repair: %v %s", err, out)
	}
}
