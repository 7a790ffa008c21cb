package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/host/running/instance"
	"github.com/left4me/left4me/internal/host/running/overlayfs"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/store"
)

// Hashes of one password by Werkzeug.
const (
	pythonPassword = "correct horse battery"
	pythonScrypt   = "scrypt:32768:8:1$saltsalt$5e49d4573bda3049c4bfd6c3f4df857e6618101f46d1ed217fef9ee416375d49" +
		"67e577b44d467f243c1637c289e35e730f44172e4569f75a4babece1443c6b0f"
	pythonPBKDF2 = "pbkdf2:sha256:260000$ABCdef12$f836fde588aa830c264182911b44ea6101e2ade7bc75316300df8f59b758367c"
)

// pythonSchema is a schema that the Python version may have had.
const pythonSchema = `
CREATE TABLE alembic_version (version_num VARCHAR(32));
CREATE TABLE users (id INTEGER PRIMARY KEY, username TEXT, password_hash TEXT, is_admin BOOLEAN, created_at DATETIME);
INSERT INTO users VALUES (1, 'root.admin', '` + pythonScrypt + `', 1, '2026-01-02 03:04:05'), (2, 'guest', '` + pythonPBKDF2 + `', 0, NULL),
	(3, 'old', 'sha256$abc$00', 0, NULL), (4, 'someone@example.org', '` + pythonScrypt + `', 0, NULL);
CREATE TABLE overlays (id INTEGER PRIMARY KEY, name TEXT, type TEXT, path TEXT, script TEXT);
INSERT INTO overlays VALUES (1, 'Custom Maps', 'workshop', 'custom_maps', NULL), (2, 'competitive', 'script', '2', '#!/bin/sh
echo build'), (3, 'never built', 'script', '3', 'exit 0');
CREATE TABLE workshop_items (id INTEGER PRIMARY KEY, steam_id TEXT, title TEXT);
INSERT INTO workshop_items VALUES (10, '121086524', 'A campaign'), (11, '999', 'Nobody has it');
CREATE TABLE overlay_workshop_items (overlay_id INTEGER, workshop_item_id INTEGER);
INSERT INTO overlay_workshop_items VALUES (1, 10);
CREATE TABLE blueprints (id INTEGER PRIMARY KEY, name TEXT, arguments TEXT, config TEXT, colour TEXT);
INSERT INTO blueprints VALUES (5, 'Versus 24/7', '["-tickrate","100","+map","c2m1_highway","-port","1"]', '["sv_cheats 0","mp_disable_autokick 1"]', 'red');
CREATE TABLE blueprint_overlays (blueprint_id INTEGER, overlay_id INTEGER, position INTEGER);
INSERT INTO blueprint_overlays VALUES (5, 1, 1), (5, 2, 0);
CREATE TABLE servers (id INTEGER PRIMARY KEY, name TEXT, port INTEGER, blueprint_id INTEGER);
INSERT INTO servers VALUES (7, 'Alpha', 27015, 5), (8, 'beta', 27015, 5), (9, 'gamma', 27017, NULL);
CREATE TABLE mystery (id INTEGER PRIMARY KEY, what TEXT);
INSERT INTO mystery VALUES (1, 'x');
`

// python creates a directory as left by the Python version.
func python(t *testing.T, dir, database string) {
	t.Helper()
	for _, d := range []string{
		"installation/left4dead2", "overlays/custom_maps/left4dead2/addons", "overlays/2/left4dead2/cfg", "overlays/stray/left4dead2",
		"workshop_cache", "runtime/7/upper/left4dead2", "runtime/7/work", "runtime/7/merged",
	} {
		must(t, os.MkdirAll(filepath.Join(dir, d), 0o755))
	}
	for name, text := range map[string]string{
		"installation/srcds_run": "#!/bin/sh\n", "installation/left4dead2/gameinfo.txt": "game", "workshop_cache/121086524.vpk": "vpk",
		"overlays/2/left4dead2/cfg/server.cfg": "sv_x 1\n", "overlays/custom_maps/left4dead2/addons/own.vpk": "own",
		"runtime/7/upper/left4dead2/.wh.gameinfo.txt": "", "runtime/7/upper/left4dead2/new.txt": "new",
	} {
		must(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o640))
	}
	must(t,
		os.Symlink(filepath.Join(dir, "workshop_cache/121086524.vpk"),
			filepath.Join(dir, "overlays/custom_maps/left4dead2/addons/121086524.vpk")))
	must(t, os.Symlink("/etc/passwd", filepath.Join(dir, "overlays/2/left4dead2/outside")))
	must(t, os.Symlink("../../../"+database, filepath.Join(dir, "overlays/2/left4dead2/secret")))
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, database))
	must(t, err)
	_, err = db.ExecContext(t.Context(), pythonSchema)
	must(t, errors.Join(err, db.Close()))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func importSettings(t *testing.T, root string) settings {
	t.Helper()
	return settings{root: root, run: filepath.Join(t.TempDir(), "run"), supervisor: "process"}
}

func wantLine(t *testing.T, lines []string, part string) {
	t.Helper()
	if !slices.ContainsFunc(lines, func(l string) bool { return strings.Contains(l, part) }) {
		t.Errorf("%q is missing in\n%s", part, strings.Join(lines, "\n"))
	}
}

// listing lists the files below a directory with their visible properties.
func listing(t *testing.T, dir string) (all []string) {
	t.Helper()
	must(t, filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		sys, _ := info.Sys().(*syscall.Stat_t)
		all = append(all, name+" "+info.Mode().String()+" "+info.ModTime().String()+" "+string(rune('0'+sys.Nlink)))
		return err
	}))
	return all
}

func TestImportReadsPythonVersion(t *testing.T) {
	for _, c := range []struct {
		name, database string
		inPlace        bool
	}{
		{"in place, with a database named like the new one", databaseName, true},
		{"from another directory", "app.sqlite", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := filepath.Join(t.TempDir(), "root")
			from := root
			if !c.inPlace {
				from = filepath.Join(t.TempDir(), "python")
			}
			python(t, from, c.database)
			s := importSettings(t, root)

			before := listing(t, from)
			dry, err := importPython(t.Context(), s, importOptions{from: from})
			must(t, err)
			if after := listing(t, from); !slices.Equal(before, after) {
				t.Errorf("dry run changed\n%s\nto\n%s", strings.Join(before, "\n"), strings.Join(after, "\n"))
			}
			if _, err := os.Stat(root); !c.inPlace && !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("dry run created %s", root)
			}
			first, err := importPython(t.Context(), s, importOptions{from: from, apply: true})
			must(t, err)
			if len(dry.Added) < 9 || len(first.Added) != len(dry.Added) {
				t.Errorf("dry run announced\n%s\nbut the import did\n%s", strings.Join(dry.Added, "\n"), strings.Join(first.Added, "\n"))
			}
			for _, part := range []string{
				`user "old": its password can't be checked`, `user "someone@example.org": the value is not a valid user name`, `"-port 1"`,
				"table mystery",
				"column blueprints.colour", "server beta: its port 27015 is that of alpha too", "workshop item 999",
				"stray: the database doesn't know it",
				"left4dead2/outside is a link to /etc/passwd", "left4dead2/secret is a link to",
			} {
				wantLine(t, first.NotTaken, part)
			}
			for _, part := range []string{
				`server "Alpha" is called alpha now`, "overlay never-built has no files",
				"taken for the top of its stack",
			} {
				wantLine(t, first.Remarks, part)
			}
			wantTaken(t, root)

			again, err := importPython(t.Context(), s, importOptions{from: from, apply: true})
			must(t, err)
			if len(again.Added) > 0 || len(again.There) < 9 {
				t.Errorf("second run: got %+v", again)
			}
			wantTaken(t, root)
		})
	}
}

// wantTaken checks that everything was imported and is usable.
func wantTaken(t *testing.T, root string) {
	t.Helper()
	st, err := store.Open(t.Context(), filepath.Join(root, databaseName))
	must(t, err)
	defer st.Close()
	users, err := st.Users().List(t.Context())
	must(t, err)
	if len(users) != 2 || users[0].Name != "guest" || users[0].Admin || users[1].Name != "root.admin" || !users[1].Admin {
		t.Errorf("got users %+v", users)
	}
	b, err := st.Blueprints().Get(t.Context(), "versus-24-7")
	must(t, err)
	want := left4me.Settings{Map: "c2m1_highway", Args: []string{"-tickrate", "100"}, Cfg: []string{"sv_cheats 0", "mp_disable_autokick 1"}}
	if !reflect.DeepEqual(want, b.Settings) || !slices.Equal(b.Overlays, left4me.Refs("competitive", "custom-maps")) {
		t.Errorf("got overlays %q, settings %+v, want %+v", b.Overlays, b.Settings, want)
	}
	servers, err := st.Servers().List(t.Context())
	must(t, err)
	if len(servers) != 2 || servers[0].Name != "alpha" || servers[0].Blueprint != "versus-24-7" ||
		servers[1].Blueprint != left4me.DefaultBlueprint {
		t.Errorf("got servers %+v", servers)
	}
	layers, _, err := instance.Root(root).Layers(b.Overlays)
	must(t, err)
	if !slices.Equal(layers, []string{"overlays/competitive/1", "overlays/custom-maps/1", "installation/base"}) {
		t.Errorf("got layers %q", layers)
	}
	linked, err := os.Lstat(filepath.Join(root, "overlays/custom-maps/1/left4dead2/addons/121086524.vpk"))
	must(t, err)
	cached, err := os.Lstat(filepath.Join(root, "workshop_cache/121086524.vpk"))
	must(t, err)
	if !os.SameFile(linked, cached) {
		t.Error("file in the overlay is not the file in the cache")
	}
	var note struct {
		Script string
		Items  []map[string]any
	}
	for name, what := range map[string]string{"competitive": "echo build", "custom-maps": "121086524"} {
		text, err := os.ReadFile(filepath.Join(root, "overlays", name, "import.json"))
		must(t, err)
		must(t, json.Unmarshal(text, &note))
		if !strings.Contains(string(text), what) {
			t.Errorf("%s: got %s", name, text)
		}
	}
	maps, err := st.Overlays().Get(t.Context(), "custom-maps")
	must(t, err)
	if w := maps.Workshop; maps.Kind != left4me.WorkshopOverlay || w == nil || len(w.Entries) != 1 || w.Entries[0].ID != "121086524" ||
		maps.Refresh.Hours != 24 || maps.Refresh.Restart != "never" {
		t.Errorf("got overlay %+v", maps)
	}
	competitive, err := st.Overlays().Get(t.Context(), "competitive")
	must(t, err)
	if s := competitive.Script; competitive.Kind != left4me.ScriptOverlay || s == nil || s.Text != "#!/bin/sh\necho build" ||
		competitive.Refresh.Hours != 0 {
		t.Errorf("got overlay %+v", competitive)
	}
	if scripts, err := st.Overlays().Scripts(t.Context(), "competitive"); err != nil || len(scripts) != 1 || scripts[0].By != "import" {
		t.Errorf("got scripts %+v, %v", scripts, err)
	}
	var white unix.Stat_t
	must(t, unix.Lstat(filepath.Join(root, "runtime/alpha/upper/left4dead2/gameinfo.txt"), &white))
	if white.Mode&unix.S_IFMT != unix.S_IFCHR || white.Rdev != 0 {
		t.Errorf("removed file is not a whiteout: got mode %o, device %d", white.Mode, white.Rdev)
	}
	if leftover, _ := filepath.Glob(filepath.Join(root, "tmp/import-*")); len(leftover) > 0 {
		t.Errorf("temporary files remain: %q", leftover)
	}
}

func TestImportedPasswordWorksAndIsRehashed(t *testing.T) {
	root := t.TempDir()
	python(t, root, "app.db")
	_, err := importPython(t.Context(), importSettings(t, root), importOptions{from: root, apply: true})
	must(t, err)
	st, err := store.Open(t.Context(), filepath.Join(root, databaseName))
	must(t, err)
	defer st.Close()
	acc := accounts.New(st, testSecret, slog.New(slog.DiscardHandler))
	here := netip.MustParseAddr("127.0.0.1")
	for _, name := range []string{"root.admin", "guest"} {
		if _, err := acc.Login(t.Context(), accounts.Attempt{Name: name, Password: pythonPassword + "x", From: here}); !errors.Is(err,
			left4me.Denied) {
			t.Errorf("%s with a wrong password: got error %v, want Denied", name, err)
		}
		for range 2 {
			if _, err := acc.Login(t.Context(), accounts.Attempt{Name: name, Password: pythonPassword, From: here}); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			u, err := st.Users().Get(t.Context(), name)
			if err != nil || !strings.HasPrefix(u.Password, "$argon2id$") {
				t.Errorf("%s: got hash %q, %v, want argon2id", name, u.Password, err)
			}
		}
	}
}

func TestInterruptedImportIsResumed(t *testing.T) {
	root := t.TempDir()
	python(t, root, "app.db")
	// State after a kill between the two renames.
	must(t, os.MkdirAll(filepath.Join(root, "tmp"), 0o755))
	must(t, os.Rename(filepath.Join(root, "installation"), filepath.Join(root, "tmp/import-installation")))
	must(t, os.Rename(filepath.Join(root, "overlays/2"), filepath.Join(root, "tmp/import-overlay-competitive")))
	_, err := importPython(t.Context(), importSettings(t, root), importOptions{from: root, apply: true})
	must(t, err)
	wantTaken(t, root)
}

func TestImportIsRefused(t *testing.T) {
	t.Run("while left4me runs", func(t *testing.T) {
		root := t.TempDir()
		python(t, root, "app.db")
		unlock, err := lockRoot(root)
		must(t, err)
		defer unlock()
		if _, err := importPython(t.Context(), importSettings(t, root), importOptions{from: root, apply: true}); !errors.Is(err,
			left4me.Conflict) {
			t.Errorf("got error %v, want Conflict", err)
		}
	})
	t.Run("while a layer is mounted", func(t *testing.T) {
		root := t.TempDir()
		if err := requireNoMounts(root); err != nil {
			t.Error(err)
		}
		if err := requireNoMounts("/proc/.."); err != nil {
			t.Error(err)
		}
		merged := filepath.Join(root, "runtime/7/merged")
		must(t, os.MkdirAll(merged, 0o755))
		if err := unix.Mount("none", merged, "tmpfs", 0, "size=4k"); err != nil {
			t.Skip("this user can't mount: ", err)
		}
		defer unix.Unmount(merged, unix.MNT_DETACH)
		if err := requireNoMounts(root); !errors.Is(err, left4me.Busy) {
			t.Errorf("got error %v, want Busy", err)
		}
	})
	t.Run("without a database of the Python version", func(t *testing.T) {
		root := t.TempDir()
		must(t, os.WriteFile(filepath.Join(root, "x.db"), []byte("no database"), 0o600))
		st, err := store.Open(t.Context(), filepath.Join(root, databaseName))
		must(t, err)
		st.Close()
		_, err = importPython(t.Context(), importSettings(t, root), importOptions{from: root})
		if !errors.Is(err, left4me.NotFound) || !strings.Contains(err.Error(), "is the database of this version of left4me") {
			t.Errorf("got error %v, want NotFound", err)
		}
	})
}

// If root runs the import, files are given to the owner of the root directory, and no link there is
// followed with root's rights.
func TestImportByRootGivesFilesToRootOwner(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can give files away")
	}
	const nobody = 65534
	root := t.TempDir()
	must(t, os.Chmod(filepath.Dir(root), 0o755))
	python(t, root, "app.db")
	victim := filepath.Join(t.TempDir(), "victim")
	must(t, os.WriteFile(victim, nil, 0o600))
	must(t, os.Link(victim, filepath.Join(root, "overlays/2/left4dead2/linked")))
	must(t, os.Chown(root, nobody, nobody))
	// Run the import in a process of its own, because it changes its user.
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=TestHelperImport")
	cmd.Env = append(os.Environ(), "LEFT4ME_TEST_IMPORT="+root)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	wantTaken(t, root)
	must(t, filepath.WalkDir(root, func(name string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		var st unix.Stat_t
		if err := unix.Lstat(name, &st); err != nil {
			return err
		}
		if linked, app := strings.HasSuffix(name, "/linked"), strings.Contains(name, "app.db"); st.Uid != nobody && !linked && !app &&
			name != filepath.Join(root, databaseName) {
			t.Errorf("%s: got owner %d", name, st.Uid)
		}
		return nil
	}))
	var st unix.Stat_t
	must(t, unix.Stat(victim, &st))
	if st.Uid != 0 || st.Mode&0o777 != 0o600 {
		t.Errorf("file of root: got owner %d, mode %o", st.Uid, st.Mode)
	}
}

func TestHelperImport(t *testing.T) {
	root := os.Getenv("LEFT4ME_TEST_IMPORT")
	if root == "" {
		t.Skip("helper of another test")
	}
	_, err := importPython(context.Background(), importSettings(t, root), importOptions{from: root, apply: true})
	must(t, err)
	if os.Geteuid() != 0 {
		t.Error("process did not return to root")
	}
}

func TestConvertedWritableLayerCanBeMounted(t *testing.T) {
	root := t.TempDir()
	python(t, root, "app.db")
	s := importSettings(t, root)
	_, err := importPython(t.Context(), s, importOptions{from: root, apply: true})
	must(t, err)
	must(t, os.WriteFile(filepath.Join(root, "runtime/alpha/upper/left4dead2/.wh.other"), nil, 0o600))
	for _, d := range []string{"work", "merged"} {
		must(t, os.MkdirAll(filepath.Join(root, "runtime/alpha", d), 0o755))
	}
	must(t, os.MkdirAll(filepath.Join(root, "instances/alpha"), 0o755))
	must(t, os.WriteFile(filepath.Join(root, "instances/alpha/instance.env"), []byte("L4D2_LOWERDIRS=installation/base\n"), 0o600))
	r, err := overlayfs.OpenRoot(root)
	must(t, err)
	defer r.Close()
	if _, err := r.Check("alpha"); !errors.Is(err, overlayfs.ErrRefused) || !strings.Contains(err.Error(), "left4me convert-upper alpha") {
		t.Errorf("got error %v, want ErrRefused with a hint", err)
	}
	t.Setenv("LEFT4ME_ROOT", root)
	t.Setenv("LEFT4ME_RUN", s.run)
	t.Setenv("LEFT4ME_SUPERVISOR", "process")
	var out bytes.Buffer
	c := command()
	c.SetArgs([]string{"convert-upper", "alpha"})
	c.SetOut(&out)
	if err := c.ExecuteContext(t.Context()); err != nil || out.String() != "marks converted: 1\n" {
		t.Errorf("got %q, %v", out.String(), err)
	}
	if _, err := r.Check("alpha"); err != nil {
		t.Error(err)
	}
}
