package doctor

import (
	"errors"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/left4me/left4me/deploy"
	"github.com/left4me/left4me/internal/host/diagnosis/remedy"
	"github.com/left4me/left4me/internal/host/running/systemd"
	"github.com/left4me/left4me/internal/left4me"
)

func TestUnitsAreComparedWithPackage(t *testing.T) {
	const laid = "[Service]\nExecStart=/usr/bin/left4me serve\n"
	files := map[string]string{
		"/usr/unit": laid, "/etc/unit": laid + "User=root\n",
		"/etc/weak.conf": "[Service]\n# PrivateTmp=no\nProtectSystem=no\nNoNewPrivileges = no\nProtectSystem=false\nNice=5\n",
		"/etc/nice.conf": "[Unit]\nProtectX=1\n[Service]\nNice=5\nEnvironment=A=User\n",
	}
	read := func(path string) (string, error) {
		if text, ok := files[path]; ok {
			return text, nil
		}
		return "", fs.ErrNotExist
	}
	for what, tt := range map[string]struct {
		unit  systemd.Unit
		state left4me.CheckState
		text  string
	}{
		"unchanged":  {systemd.Unit{Loaded: "loaded", Path: "/usr/unit"}, left4me.CheckOK, ""},
		"not found":  {systemd.Unit{Loaded: "not-found"}, left4me.CheckBroken, "does not know"},
		"masked":     {systemd.Unit{Loaded: "masked"}, left4me.CheckBroken, "masked"},
		"unreadable": {systemd.Unit{Loaded: "bad-setting"}, left4me.CheckBroken, "bad-setting"},
		"stale":      {systemd.Unit{Loaded: "loaded", Path: "/usr/unit", Stale: true}, left4me.CheckWarn, "since systemd read"},
		"replaced":   {systemd.Unit{Loaded: "loaded", Path: "/etc/unit"}, left4me.CheckWarn, "/etc/unit"},
		"weakening drop-in": {
			systemd.Unit{Loaded: "loaded", Path: "/usr/unit", DropIns: []string{"/etc/weak.conf"}},
			left4me.CheckWarn,
			"/etc/weak.conf changes the unit's restrictions: ProtectSystem=, NoNewPrivileges=",
		},
		"harmless drop-in": {systemd.Unit{Loaded: "loaded", Path: "/usr/unit", DropIns: []string{"/etc/nice.conf"}}, left4me.CheckOK, ""},
		"missing drop-in": {
			systemd.Unit{Loaded: "loaded", Path: "/usr/unit", DropIns: []string{"/etc/gone.conf"}},
			left4me.CheckWarn,
			"/etc/gone.conf",
		},
		"own namespace": {systemd.Unit{
			Name:       "left4me-mount@.service",
			Loaded:     "loaded",
			Path:       "/usr/unit",
			Properties: map[string]any{"PrivateTmp": true, "ProtectSystem": "no", "ReadOnlyPaths": []string{}},
		}, left4me.CheckBroken, "PrivateTmp= gives"},
		"own paths": {systemd.Unit{
			Name:       "left4me-unmount@.service",
			Loaded:     "loaded",
			Path:       "/usr/unit",
			Properties: map[string]any{"BindPaths": [][]any{{"/a", "/b"}}, "ProtectHome": "yes"},
		}, left4me.CheckBroken, "BindPaths=, ProtectHome="},
		"namespace of another unit": {systemd.Unit{
			Name:       "left4me.service",
			Loaded:     "loaded",
			Path:       "/usr/unit",
			Properties: map[string]any{"PrivateTmp": true},
		}, left4me.CheckOK, ""},
	} {
		checks := judgeUnit(remedy.Reader{}, tt.unit, laid, read)
		first, wrong := left4me.FirstWrong(checks)
		if !wrong {
			first.State = left4me.CheckOK
		}
		if first.State != tt.state || !strings.Contains(first.Text, tt.text) || wrong == (first.Mend == "") {
			t.Errorf("%s: %+v, want %s with %q", what, first, tt.state, tt.text)
		}
	}
}

func TestUnitsOfPackageAreListed(t *testing.T) {
	names := laidUnits()
	if !strings.Contains(strings.Join(names, " "), "left4me-mount@.service") {
		t.Errorf("got %v", names)
	}
}

func TestPolkitRuleIsChecked(t *testing.T) {
	for what, tt := range map[string]struct {
		text    string
		err     error
		systemd error
		missing string // missing unit file
		state   left4me.CheckState
	}{
		"missing":             {"", fs.ErrNotExist, nil, "", left4me.CheckBroken},
		"hidden":              {"", fs.ErrPermission, nil, "", left4me.CheckOK},
		"hidden and refused":  {"", fs.ErrPermission, errors.New("not authorized"), "", left4me.CheckBroken},
		"unreadable":          {"", errors.New("input/output error"), nil, "", left4me.CheckSkipped},
		"other content":       {"polkit.addRule()", nil, nil, "", left4me.CheckWarn},
		"without a unit":      {"polkit.addRule()", nil, nil, "left4me-build@.service", left4me.CheckBroken},
		"hidden without unit": {"", fs.ErrPermission, nil, "left4me-install.service", left4me.CheckBroken},
	} {
		c := polkit(Config{Packaged: true, Systemd: tt.systemd}, func(path string) (string, error) {
			switch path {
			case rulePath:
				return tt.text, tt.err
			case unitPath + "/" + tt.missing:
				return "", fs.ErrNotExist
			}
			return "", nil
		})
		if c.State != tt.state || !strings.Contains(c.Text, tt.missing) {
			t.Errorf("%s: got %+v", what, c)
		}
	}
}

func TestStartableUnitsMatchPolkitRule(t *testing.T) {
	rule, err := fs.ReadFile(deploy.Files, "polkit/50-left4me.rules")
	if err != nil {
		t.Fatal(err)
	}
	pattern := regexp.MustCompile(`/(\^left4me-.*\$)/`).FindSubmatch(rule)
	if pattern == nil {
		t.Fatal("the rule names no units")
	}
	ours := regexp.MustCompile(string(pattern[1]))
	for _, unit := range laidUnits() {
		if got, want := slices.Contains(startable, unit), ours.MatchString(strings.Replace(unit, "@.", "@a.", 1)); got != want {
			t.Errorf("%s: startable %v, but matched by the rule %v", unit, got, want)
		}
	}
}

func TestUsersAndGroupsAreChecked(t *testing.T) {
	names, members := parseUsers("# x\nu left4me - \"a b\" /x\nu left4me-game -\nm left4me left4me-game\nm broken\n")
	if len(names) != 2 || len(members) != 1 {
		t.Fatalf("got %v, %v", names, members)
	}
	for what, tt := range map[string]struct {
		groups map[string][]string
		state  left4me.CheckState
	}{
		"complete":           {map[string][]string{"left4me": {"left4me", "left4me-game"}, "left4me-game": nil}, left4me.CheckOK},
		"missing user":       {map[string][]string{"left4me": {"left4me-game"}}, left4me.CheckBroken},
		"missing membership": {map[string][]string{"left4me": {"left4me"}, "left4me-game": nil}, left4me.CheckBroken},
		"no users":           {nil, left4me.CheckBroken},
	} {
		c := judgeUsers(remedy.Reader{}, names, members, func(n string) ([]string, error) {
			g, ok := tt.groups[n]
			if !ok {
				return nil, errors.New("unknown user")
			}
			return g, nil
		})
		if c.State != tt.state {
			t.Errorf("%s: got %+v", what, c)
		}
	}
}

// Users write drop-ins by hand.
func FuzzWeakened(f *testing.F) {
	f.Add("[Service]\nProtectSystem=no\n# Private=1\n")
	f.Add("[Service\nUser = root\n=\n[]")
	f.Fuzz(func(t *testing.T, text string) {
		for _, key := range weakened(text) {
			if !strings.HasSuffix(key, "=") || !strings.Contains(text, strings.TrimSuffix(key, "=")) {
				t.Errorf("%q of %q", key, text)
			}
		}
	})
}
