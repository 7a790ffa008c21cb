package legacyimport

import (
	"database/sql"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/store"
)

const someHash = "pbkdf2:sha256:260000$ABCdef12$f836fde588aa830c264182911b44ea6101e2ade7bc75316300df8f59b758367c"

// read creates a database and reads it.
func read(t *testing.T, schema string, o Options) Found {
	t.Helper()
	path := filepath.Join(t.TempDir(), "python.db")
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.ExecContext(t.Context(), schema)
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	tables, err := store.ReadForeign(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	return Read(tables, o)
}

// Different table and column names give the same result.
func TestReadAcceptsAlternativeNames(t *testing.T) {
	for what, schema := range map[string]string{
		"singular names, with a link table": `
			CREATE TABLE user (id INTEGER, name TEXT, password TEXT, role TEXT); INSERT INTO user VALUES (1, 'boss', '` + someHash +
			`', 'admin');
			CREATE TABLE overlay (id INTEGER, slug TEXT); INSERT INTO overlay VALUES (1, 'maps'), (2, 'mods');
			CREATE TABLE blueprint (id INTEGER, title TEXT, launch_options TEXT, server_cfg TEXT);
			INSERT INTO blueprint VALUES (1, 'versus', '-tickrate 60 +map C1M1_Hotel', 'a 1
b 2');
			CREATE TABLE blueprintOverlay (blueprint INTEGER, overlay INTEGER, sort_order INTEGER);
			INSERT INTO blueprintOverlay VALUES (1, 2, 0), (1, 1, 1);
			CREATE TABLE server (id INTEGER, name TEXT, game_port TEXT, blueprint INTEGER);
			INSERT INTO server VALUES (1, 'alpha', '27015', 1);`,
		"plural names, with lists in a column": `
			CREATE TABLE Users (id INTEGER, username TEXT, passwordHash BLOB, admin TEXT); INSERT INTO Users VALUES (1, 'boss', '` +
			someHash + `', 'yes');
			CREATE TABLE Overlays (id TEXT, name TEXT); INSERT INTO Overlays VALUES ('a', 'maps'), ('b', 'mods');
			CREATE TABLE Blueprints (id TEXT, name TEXT, args TEXT, cfg TEXT, overlays TEXT);
			INSERT INTO Blueprints VALUES ('x', 'versus', '["-tickrate", "60", "+map", "c1m1_hotel"]', '["a 1", "b 2"]', '["mods", "a"]');
			CREATE TABLE Servers (id TEXT, name TEXT, port INTEGER, blueprint_id TEXT);
			INSERT INTO Servers VALUES ('s', 'alpha', 27015, 'x');`,
	} {
		t.Run(what, func(t *testing.T) {
			f := read(t, schema, Options{Host: left4me.LocalHost})
			if len(f.Users) != 1 || f.Users[0].Name != "boss" || !f.Users[0].Admin || f.Users[0].Password != someHash {
				t.Errorf("got %+v", f.Users)
			}
			want := []left4me.Blueprint{{
				Name: "versus", Overlays: left4me.Refs("mods", "maps"),
				Settings: left4me.Settings{Map: "c1m1_hotel", Args: []string{"-tickrate", "60"}, Cfg: []string{"a 1", "b 2"}},
			}}
			if d := cmp.Diff(want, f.Blueprints); d != "" {
				t.Error(d)
			}
			if len(f.Servers) != 1 || f.Servers[0].Name != "alpha" || f.Servers[0].Port != 27015 || f.Servers[0].Blueprint != "versus" {
				t.Errorf("got %+v", f.Servers)
			}
			if len(f.NotTaken) > 0 {
				t.Errorf("not taken: %q", f.NotTaken)
			}
		})
	}
}

func TestReadReportsInvalidObjects(t *testing.T) {
	f := read(t, `
		CREATE TABLE users (id INTEGER, username TEXT, password_hash TEXT); INSERT INTO users VALUES (1, 'a', '`+someHash+`'), (2, 'A', '`+
		someHash+`'), (3, 'b', '`+someHash+`');
		CREATE TABLE overlays (id INTEGER, name TEXT); INSERT INTO overlays VALUES (1, 'Maps'), (2, 'maps!'), (3, '???');
		CREATE TABLE blueprints (id INTEGER, name TEXT, config TEXT);
		INSERT INTO blueprints VALUES (1, 'default', 'fine 1'||char(10)||'bad '||char(27)||'[2J');
		CREATE TABLE blueprint_overlays (blueprint_id INTEGER, overlay_id INTEGER); INSERT INTO blueprint_overlays VALUES (1, 99);
		CREATE TABLE servers (id INTEGER, name TEXT, port INTEGER, blueprint_id INTEGER);
		INSERT INTO servers VALUES (1, 'x', 80, 1), (2, 'y', NULL, 1), (3, 'z', 27015, 42), (4, 'left4me-install', 27016, 1);
		CREATE TABLE server_overlays (server_id INTEGER, overlay_id INTEGER); INSERT INTO server_overlays VALUES (3, 2);
		CREATE TABLE "odd ""name" (a INTEGER);`, Options{Host: left4me.LocalHost, Admins: []string{"b"}})
	for _, part := range []string{
		`user "A": there is another one`, `cfg line "bad \x1b[2J"`, "there is no overlay 99", "server x: port 80", "server y: port 0",
		"server z: there is no blueprint 42", `table odd "name`,
	} {
		if !slices.ContainsFunc(f.NotTaken, func(l string) bool { return strings.Contains(l, part) }) {
			t.Errorf("%q is not in %q", part, f.NotTaken)
		}
	}
	if len(f.Users) != 2 || f.Users[0].Admin || !f.Users[1].Admin {
		t.Errorf("got %+v", f.Users)
	}
	var overlays []left4me.Name
	for _, o := range f.Overlays {
		overlays = append(overlays, o.Name)
	}
	if d := cmp.Diff([]left4me.Name{"maps", "maps-2", "overlay-3"}, overlays); d != "" {
		t.Error(d)
	}
	// Objects with a reserved name get another one.
	if len(f.Blueprints) != 2 || f.Blueprints[0].Name != "default-2" || f.Blueprints[1].Name != "z-overlays" ||
		!slices.Equal(f.Blueprints[1].Overlays, left4me.Refs("maps-2")) {
		t.Errorf("got %+v", f.Blueprints)
	}
	if len(f.Servers) != 2 || f.Servers[0].Blueprint != "z-overlays" || f.Servers[1].Name != "left4me-install-2" {
		t.Errorf("got %+v", f.Servers)
	}
}

func TestCommandLinesOfPythonVersionAreSplit(t *testing.T) {
	for in, want := range map[string][]string{
		"":                                  nil,
		`-a  1 +hostname "two words" 'x"y'`: {"-a", "1", "+hostname", "two words", `x"y`},
		"-a\n-b\t-c":                        {"-a", "-b", "-c"},
		`["-a", 1, null]`:                   {"-a", "1", ""},
		`open "end`:                         {"open", "end"},
		`""`:                                {""},
	} {
		if d := cmp.Diff(want, words(in)); d != "" {
			t.Errorf("%q: %s", in, d)
		}
	}
	if d := cmp.Diff([][]string{{"-a"}, {"+b", "-1", "2"}, {"-c", "d"}}, arguments([]string{"-a", "+b", "-1", "2", "-c", "d"})); d != "" {
		t.Error(d)
	}
}

func FuzzNames(f *testing.F) {
	for _, s := range []string{"Versus 24/7", "", "--", "ÄÖ", strings.Repeat("x", 100), "a\x00b", `["a","b"]`, `"'`, "-1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if n := name(s); n != "" && !n.Valid() {
			t.Errorf("%q became %q", s, n)
		}
		taken := names{}
		if a, b := taken.unique(s, "x-1"), taken.unique(s, "x-1"); a == b || !a.Valid() || !b.Valid() {
			t.Errorf("%q became %q and %q", s, a, b)
		}
		lines(s)
		arguments(words(s))
	})
}
