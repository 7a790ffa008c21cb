package doctor

import (
	"errors"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"testing"

	"github.com/left4me/left4me/internal/host/diagnosis/remedy"
	"github.com/left4me/left4me/internal/left4me"
)

// brokenRoot returns a root in which every place has a wrong mode.
func brokenRoot(t *testing.T) Config {
	t.Helper()
	root := t.TempDir()
	for _, d := range []string{"bus", "run", "installation/base", "overlays/maps/1"} {
		if err := os.MkdirAll(filepath.Join(root, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	err := errors.Join(
		os.WriteFile(filepath.Join(root, "left4me.db"), nil, 0o600),
		os.Chmod(filepath.Join(root, "left4me.db"), 0o644),
		os.Chmod(filepath.Join(root, "overlays/maps/1"), 0o777),
		os.Chmod(filepath.Join(root, "installation/base"), 0o757),
		os.Chmod(root, 0o775))
	if err != nil {
		t.Fatal(err)
	}
	return Config{Root: root, Run: filepath.Join(root, "run")}
}

func TestWrongModesAreFoundAndRepaired(t *testing.T) {
	cfg := brokenRoot(t)
	found := owned(t.Context(), cfg)
	if len(found) != 6 {
		t.Fatalf("got %+v", found)
	}
	for _, f := range found {
		if f.State != left4me.CheckBroken || f.fix == nil || !strings.HasPrefix(f.Mend, "as root: `chmod ") {
			t.Errorf("got %+v", f.Check)
		}
		if err := f.fix(); err != nil {
			t.Errorf("%s: got %v", f.fixed, err)
		}
	}
	if again := owned(t.Context(), cfg); len(again) != 1 || again[0].State != left4me.CheckOK {
		t.Errorf("after the repair: %+v", again)
	}
	st, err := os.Stat(filepath.Join(cfg.Root, "overlays/maps/1"))
	if err != nil || st.Mode().Perm() != 0o775 {
		t.Errorf("layer has mode %v, %v", st.Mode(), err)
	}
}

func TestChecksChangeNothing(t *testing.T) {
	cfg := brokenRoot(t)
	Checks(t.Context(), cfg)
	st, err := os.Stat(filepath.Join(cfg.Root, "left4me.db"))
	if err != nil || st.Mode().Perm() != 0o644 {
		t.Errorf("database has mode %v, %v", st.Mode(), err)
	}
}

// The owner of the root may replace a place with a symbolic link or a hard link. A repair by root
// must not change the linked file.
func TestFixFollowsNoLinks(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for what, put := range map[string]func(path string) error{
		"symbolic link": func(path string) error { return os.Symlink(secret, path) },
		"hard link":     func(path string) error { return os.Link(secret, path) },
		"directory":     func(path string) error { return os.Mkdir(path, 0o755) },
	} {
		cfg := brokenRoot(t)
		db := filepath.Join(cfg.Root, "left4me.db")
		if err := errors.Join(os.Remove(db), put(db)); err != nil {
			t.Fatal(err)
		}
		p := place{path: db, mode: 0o600}
		if err := p.mend(-1, -1, 0o600); err == nil {
			t.Errorf("%s was repaired", what)
		}
		if st, err := os.Stat(secret); err != nil || st.Mode().Perm() != 0o644 {
			t.Errorf("%s: the linked file has mode %v, %v", what, st.Mode(), err)
		}
	}
	// The same applies to a parent directory.
	cfg := brokenRoot(t)
	elsewhere := t.TempDir()
	if err := errors.Join(os.WriteFile(filepath.Join(elsewhere, "x"), nil, 0o644),
		os.Symlink(elsewhere, filepath.Join(cfg.Root, "way"))); err != nil {
		t.Fatal(err)
	}
	p := place{path: filepath.Join(cfg.Root, "way", "x")}
	if err := p.mend(-1, -1, 0o600); err == nil {
		t.Error("a symbolic link in the path was followed")
	}
}

func TestFixWithoutPermission(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root has all permissions")
	}
	p := place{path: "/etc", dir: true}
	if err := p.mend(0, 0, 0o755); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("got %v, want fs.ErrPermission", err)
	}
}

func TestOwnersAndModesAreChecked(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o750); err != nil {
		t.Fatal(err)
	}
	own := strings.Split(ownerOf(uint32(os.Geteuid()), uint32(os.Getegid())), ":")
	other, foreign := "root", "root"
	if own[0] == other {
		other = "nobody"
	}
	if own[1] == foreign {
		foreign = "nogroup"
	}
	if _, err := user.LookupGroup(foreign); err != nil {
		t.Skip(err)
	}
	if err := os.Chown(dir, -1, os.Getegid()); err != nil {
		t.Fatal(err)
	}
	for what, tt := range map[string]struct {
		user, group string
		mode        uint32
		loose       bool
		text        string // empty: correct
	}{
		"correct":             {own[0], own[1], 0o750, false, ""},
		"any owner":           {"", "", 0o750, false, ""},
		"wrong user":          {other, own[1], 0o750, false, "belongs to " + own[0] + ":" + own[1] + " instead of " + other + ":" + own[1]},
		"wrong group":         {own[0], foreign, 0o750, false, "instead of " + own[0] + ":" + foreign},
		"too few permissions": {own[0], own[1], 0o770, false, "has the mode 0750 instead of 0770"},
		"missing setgid bit":  {own[0], own[1], 0o2750, false, "has the mode 0750 instead of 2750"},
		"extra write bit":     {own[0], own[1], 0o550, false, "has the mode 0750 instead of 0550"},
		"loose, within mode":  {own[0], own[1], 0o755, true, ""},
		"loose, beyond mode":  {own[0], own[1], 0o700, true, "has the mode 0750 instead of 0700"},
		"unknown user":        {"no-such-user", own[1], 0o750, false, "no-such-user"},
	} {
		p := place{path: dir, dir: true, mode: tt.mode, user: tt.user, group: tt.group, loose: tt.loose}
		f, wrong := p.judge(remedy.Reader{})
		if wrong != (tt.text != "") || !strings.Contains(f.Text, tt.text) || wrong && f.State != left4me.CheckBroken {
			t.Errorf("%s: got %+v", what, f.Check)
		}
	}
}

func TestFixCreatesMissingDirectories(t *testing.T) {
	p := place{path: filepath.Join(t.TempDir(), "logs"), dir: true, mode: 0o751}
	f, wrong := p.judge(remedy.Reader{})
	if !wrong || f.State != left4me.CheckBroken {
		t.Fatalf("got %+v", f.Check)
	}
	if err := f.fix(); err != nil {
		t.Fatal(err)
	}
	if f, wrong := p.judge(remedy.Reader{}); wrong {
		t.Errorf("got %+v", f.Check)
	}
}

func TestPlacesOfPackageComeFromTmpfiles(t *testing.T) {
	all, err := places(Config{Root: "/srv/l4m", Run: "/srv/run", Env: "/srv/etc/left4me.env", Packaged: true})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{
		"/srv/l4m/runtime":     true,
		"/srv/run":             true,
		"/srv/etc":             true,
		"/srv/etc/left4me.env": true,
		"/srv/l4m/left4me.db":  true,
	}
	for _, p := range all {
		delete(want, p.path)
		if strings.Contains(p.path, "/left4me/") {
			t.Errorf("%s is not under the configured directories", p.path)
		}
	}
	if len(want) > 0 {
		t.Errorf("missing: %v", want)
	}
	for _, line := range []string{"d /x", "d /x 99 a b"} {
		if _, err := parseTmpfiles(line); err == nil {
			t.Errorf("%q was accepted", line)
		}
	}
}
