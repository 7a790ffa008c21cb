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

// brokenRoot is a root of which nothing is as it should be.
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

func TestWhatIsOpenToOthersIsFoundAndMended(t *testing.T) {
	cfg := brokenRoot(t)
	found := owned(t.Context(), cfg)
	if len(found) != 6 {
		t.Fatalf("%+v", found)
	}
	for _, f := range found {
		if f.State != left4me.CheckBroken || f.fix == nil || !strings.HasPrefix(f.Mend, "as root: `chmod ") {
			t.Errorf("%+v", f.Check)
		}
		if err := f.fix(); err != nil {
			t.Errorf("%s: %v", f.fixed, err)
		}
	}
	if again := owned(t.Context(), cfg); len(again) != 1 || again[0].State != left4me.CheckOK {
		t.Errorf("after it was mended: %+v", again)
	}
	st, err := os.Stat(filepath.Join(cfg.Root, "overlays/maps/1"))
	if err != nil || st.Mode().Perm() != 0o775 {
		t.Errorf("a layer is %v, %v", st.Mode(), err)
	}
}

func TestNothingIsTouchedWithoutBeingAsked(t *testing.T) {
	cfg := brokenRoot(t)
	Checks(t.Context(), cfg)
	st, err := os.Stat(filepath.Join(cfg.Root, "left4me.db"))
	if err != nil || st.Mode().Perm() != 0o644 {
		t.Errorf("the database is %v, %v", st.Mode(), err)
	}
}

// Who owns the root may put a link or a second name in the place of what root
// mends: what that leads to must stay as it is.
func TestFixFollowsNobody(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for what, put := range map[string]func(path string) error{
		"a link":        func(path string) error { return os.Symlink(secret, path) },
		"a second name": func(path string) error { return os.Link(secret, path) },
		"a directory":   func(path string) error { return os.Mkdir(path, 0o755) },
	} {
		cfg := brokenRoot(t)
		db := filepath.Join(cfg.Root, "left4me.db")
		if err := errors.Join(os.Remove(db), put(db)); err != nil {
			t.Fatal(err)
		}
		p := place{path: db, mode: 0o600}
		if err := p.mend(-1, -1, 0o600); err == nil {
			t.Errorf("%s was mended", what)
		}
		if st, err := os.Stat(secret); err != nil || st.Mode().Perm() != 0o644 {
			t.Errorf("%s: what it leads to is %v now, %v", what, st.Mode(), err)
		}
	}
	// The same of a directory on the way.
	cfg := brokenRoot(t)
	elsewhere := t.TempDir()
	if err := errors.Join(os.WriteFile(filepath.Join(elsewhere, "x"), nil, 0o644),
		os.Symlink(elsewhere, filepath.Join(cfg.Root, "way"))); err != nil {
		t.Fatal(err)
	}
	p := place{path: filepath.Join(cfg.Root, "way", "x")}
	if err := p.mend(-1, -1, 0o600); err == nil {
		t.Error("it went over a link")
	}
}

func TestWithoutRightsItIsSaidWhoCan(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root has all rights")
	}
	p := place{path: "/etc", dir: true}
	if err := p.mend(0, 0, 0o755); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("%v", err)
	}
}

func TestOwnersAndModesAreCompared(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o750); err != nil {
		t.Fatal(err)
	}
	own := strings.Split(whose(uint32(os.Geteuid()), uint32(os.Getegid())), ":")
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
		text        string // empty: it is right
	}{
		"as it must be":        {own[0], own[1], 0o750, false, ""},
		"of any owner":         {"", "", 0o750, false, ""},
		"of another user":      {other, own[1], 0o750, false, "belongs to " + own[0] + ":" + own[1] + ", not to " + other + ":" + own[1]},
		"of another group":     {own[0], foreign, 0o750, false, "not to " + own[0] + ":" + foreign},
		"with too few rights":  {own[0], own[1], 0o770, false, "has the mode 0750, not 0770"},
		"without the set bit":  {own[0], own[1], 0o2750, false, "has the mode 0750, not 2750"},
		"without the owner's":  {own[0], own[1], 0o550, false, "has the mode 0750, not 0550"},
		"with less than most":  {own[0], own[1], 0o755, true, ""},
		"with more than most":  {own[0], own[1], 0o700, true, "has the mode 0750, not 0700"},
		"of nobody who exists": {"no-such-user", own[1], 0o750, false, "no-such-user"},
	} {
		p := place{path: dir, dir: true, mode: tt.mode, user: tt.user, group: tt.group, loose: tt.loose}
		f, wrong := p.judge(remedy.Reader{})
		if wrong != (tt.text != "") || !strings.Contains(f.Text, tt.text) || wrong && f.State != left4me.CheckBroken {
			t.Errorf("%s: %+v", what, f.Check)
		}
	}
}

func TestMissingDirectoriesAreMade(t *testing.T) {
	p := place{path: filepath.Join(t.TempDir(), "logs"), dir: true, mode: 0o751}
	f, wrong := p.judge(remedy.Reader{})
	if !wrong || f.State != left4me.CheckBroken {
		t.Fatalf("%+v", f.Check)
	}
	if err := f.fix(); err != nil {
		t.Fatal(err)
	}
	if f, wrong := p.judge(remedy.Reader{}); wrong {
		t.Errorf("%+v", f.Check)
	}
}

func TestPlacesOfThePackageAreItsTmpfiles(t *testing.T) {
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
			t.Errorf("%s was not moved", p.path)
		}
	}
	if len(want) > 0 {
		t.Errorf("missing: %v", want)
	}
	for _, line := range []string{"d /x", "d /x 99 a b"} {
		if _, err := parseTmpfiles(line); err == nil {
			t.Errorf("%q is taken", line)
		}
	}
}
