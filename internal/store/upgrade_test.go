package store

import (
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/pressly/goose/v3"

	"github.com/left4me/left4me/internal/left4me"
)

// with returns the migrations and one more.
func with(t *testing.T, statement string) fstest.MapFS {
	t.Helper()
	all := fstest.MapFS{"migrations/09999_next.sql": {Data: []byte("-- +goose Up\n" + statement + "\n")}}
	ours, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range ours {
		b, err := migrations.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all[name] = &fstest.MapFile{Data: b}
	}
	return all
}

func TestCopyIsKeptBeforeUpgrade(t *testing.T) {
	path := filepath.Join(t.TempDir(), "left4me.db")
	s, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.migrate(t.Context(), path, with(t, "DELETE FROM blueprint; CREATE TABLE half(x); CREATE TABLE half(x);")); err == nil {
		t.Fatal("a failing upgrade returned no error")
	}
	if b, err := s.Blueprints().List(t.Context()); err != nil || len(b) != 1 {
		t.Errorf("after a failed upgrade: %v, %v", b, err)
	}
	copies, _ := filepath.Glob(path + ".v*-*")
	for _, c := range copies {
		if err := os.Remove(c); err != nil { // the next copy may get the same name within this second
			t.Fatal(err)
		}
	}
	if err := s.migrate(t.Context(), path, with(t, "DELETE FROM blueprint;")); err != nil {
		t.Fatal(err)
	}
	if b, err := s.Blueprints().List(t.Context()); err != nil || len(b) != 0 {
		t.Errorf("after the upgrade: %v, %v", b, err)
	}
	copies, _ = filepath.Glob(path + ".v*-*")
	if len(copies) != 1 {
		t.Fatalf("copies: %v", copies)
	}
	if info, err := os.Stat(copies[0]); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v: mode other than 0600", info.Mode(), err)
	}
	kept, err := Open(t.Context(), copies[0])
	if err != nil {
		t.Fatal(err)
	}
	defer kept.Close()
	if b, err := kept.Blueprints().List(t.Context()); err != nil || len(b) != 1 {
		t.Errorf("blueprints in the copy: %v, %v", b, err)
	}
}

// Open reports a read-only database; otherwise the error would first appear at a login.
func TestOpenRefusesReadOnlyDatabase(t *testing.T) {
	if os.Geteuid() == 0 { // root may write regardless of the mode
		asNobody(t)
		return
	}
	path := filepath.Join(t.TempDir(), "left4me.db")
	s, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	if err := os.Chmod(path, 0o400); err != nil {
		t.Fatal(err)
	}
	if s, err := Open(t.Context(), path); !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), path) {
		t.Errorf("got %v, error %v", s, err)
	}
}

// asNobody runs this test again as an unprivileged user.
func asNobody(t *testing.T) {
	t.Helper()
	const nobody = 65534
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Dir, cmd.Env = "/", []string{"TMPDIR=/tmp"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("as an ordinary user: %v\n%s", err, out)
	}
}

func TestSchemaOfReadsFileHeader(t *testing.T) {
	path := filepath.Join(t.TempDir(), "left4me.db")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	says := func(want int64) {
		t.Helper()
		if got, err := SchemaOf(path); got != want || err != nil {
			t.Errorf("SchemaOf = %d, %v, want %d", got, err, want)
		}
	}
	says(0)
	s, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	says(Schema()) // while the database is open
	if err := s.migrate(t.Context(), path, with(t, "DELETE FROM blueprint;")); err != nil {
		t.Fatal(err)
	}
	says(9999)
	if _, err := s.write.ExecContext(t.Context(), "PRAGMA user_version = 0"); err != nil {
		t.Fatal(err)
	}
	if err := s.migrate(t.Context(), path, with(t, "DELETE FROM blueprint;")); err != nil { // upgrade from a version that didn't write it
		t.Fatal(err)
	}
	says(9999)
	if err := s.migrate(t.Context(), path, migrations); !errors.Is(err, left4me.Invalid) || !strings.Contains(err.Error(), "9999") {
		t.Errorf("newer schema: %v", err)
	}
}

// Upgrades a schema from before the wanted state was stored.
func TestUpgradeDerivesWantedStateFromLastJob(t *testing.T) {
	path := filepath.Join(t.TempDir(), "left4me.db")
	write := beforeMigration(t, path, 8)
	exec := func(statement string, args ...any) {
		t.Helper()
		if _, err := write.ExecContext(t.Context(), statement, args...); err != nil {
			t.Fatal(err)
		}
	}
	for i, c := range []struct{ name, kind, state string }{
		{"started", "server.start", "done"},
		{"restarted", "server.restart", "failed"},
		{"stopped", "server.stop", "done"},
		{"cancelled", "server.start", "cancelled"},
		{"crashed", "server.start", "done"},
		{"discarded", "server.start", "done"},
	} {
		exec(`INSERT INTO server(name, host, port, blueprint, settings, created_at) VALUES (?, 'local', ?, 'default', '{}', 1)`, c.name,
			27015+i)
		exec(`INSERT INTO job(id, kind, noun, target, host, state, spec, steps, asked_by, created_at)
			VALUES (?, 'server.stop', 'server', ?, 'local', 'done', '{}', '[]', 'al', 1000)`, "1"+c.name, c.name)
		exec(`INSERT INTO job(id, kind, noun, target, host, state, spec, steps, asked_by, created_at)
			VALUES (?, ?, 'server', ?, 'local', ?, '{}', '[]', 'bo', 2000)`, "2"+c.name, c.kind, c.name, c.state)
		exec(`INSERT INTO crash(host, server, at, exit, uptime, lines) VALUES ('local', ?, 1500, 'x', 1, '[]')`, c.name)
	}
	exec(`INSERT INTO server(name, host, port, blueprint, settings, created_at) VALUES ('new', 'local', 27099, 'default', '{}', 1)`)
	exec(`INSERT INTO crash(host, server, at, exit, uptime, lines) VALUES ('local', 'crashed', 2500, 'x', 1, '[]')`)
	exec(
		`INSERT INTO job(id, kind, noun, target, host, state, spec, steps, asked_by, created_at)
			VALUES ('3', 'server.discard', 'server', 'discarded', 'local', 'done', '{}', '[]', 'al', 3000)`)
	write.Close()

	s, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	all, err := s.Servers().List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := map[left4me.Name]left4me.Server{
		"started":   {Wanted: left4me.WantRunning, WantedBy: "bo", WantedAt: time.UnixMilli(2000)},
		"restarted": {Wanted: left4me.WantRunning, WantedBy: "bo", WantedAt: time.UnixMilli(2000)},
		"discarded": {Wanted: left4me.WantRunning, WantedBy: "bo", WantedAt: time.UnixMilli(2000)},
		"stopped":   {Wanted: left4me.WantStopped, WantedBy: "bo", WantedAt: time.UnixMilli(2000)},
		"cancelled": {Wanted: left4me.WantStopped, WantedBy: "al", WantedAt: time.UnixMilli(1000)},
		"crashed":   {Wanted: left4me.WantRunning, WantedBy: "bo", WantedAt: time.UnixMilli(2000), Held: left4me.HeldCrashed},
		"new":       {Wanted: left4me.WantStopped},
	}
	if len(all) != len(want) {
		t.Errorf("%d servers", len(all))
	}
	for _, v := range all {
		w := want[v.Name]
		if v.Wanted != w.Wanted || v.WantedBy != w.WantedBy || !v.WantedAt.Equal(w.WantedAt) || v.Held != w.Held ||
			v.Autostart != left4me.AutostartLast {
			t.Errorf("%s: %+v", v.Name, v)
		}
	}
}

// A database from before events has none; later changes write them.
func TestUpgradedDatabaseWritesEvents(t *testing.T) {
	path := filepath.Join(t.TempDir(), "left4me.db")
	write := beforeMigration(t, path, 12)
	if _, err := write.ExecContext(t.Context(), `INSERT INTO server(name, host, port, blueprint, settings, created_at)
		VALUES ('alpha', 'local', 27015, 'default', '{}', 1)`); err != nil {
		t.Fatal(err)
	}
	write.Close()
	s, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if all, err := s.Events().After(t.Context(), 0, 10); err != nil || len(all) != 0 {
		t.Errorf("got %v, error %v", all, err)
	}
	if err := s.Servers().Hold(t.Context(), "alpha", left4me.HeldCrashed); err != nil {
		t.Fatal(err)
	}
	all, err := s.Events().After(t.Context(), 0, 10)
	if err != nil || len(all) != 1 || all[0].Position != 1 || all[0].Kind != left4me.ServerHeld ||
		all[0].Target.Name != "alpha" || all[0].Version != left4me.EventVersion {
		t.Errorf("got %+v, error %v", all, err)
	}
}

// beforeMigration creates the database at path with the schema before a migration, and opens it.
func beforeMigration(t *testing.T, path string, number int64) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", dsn(path, busyWithin, ""))
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	old := with(t, "")
	for name := range old {
		if v, err := goose.NumericComponent(name); err != nil || v >= number {
			delete(old, name)
		}
	}
	before := &Store{core: &core{write: db}}
	if err := before.migrate(t.Context(), path, old); err != nil {
		t.Fatal(err)
	}
	return db
}

// An upgrade gives ids to existing rows, and references by name become references by id if they
// mean the same object. Sessions and tokens keep their users.
func TestUpgradeAssignsIDs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "left4me.db")
	db := beforeMigration(t, path, 13)
	for _, statement := range []string{
		`INSERT INTO user(id, name, password, admin, created_at) VALUES (1, 'ann', 'x', 1, 1), (2, 'bob', 'x', 0, 100)`,
		`INSERT INTO session VALUES (x'01', 1, 'a', 'b', 1, 1, 9999999999999), (x'02', 2, 'a', 'b', 1, 1, 9999999999999)`,
		`INSERT INTO token(hash, user_id, label, created_at) VALUES (x'03', 2, 'bot', 1)`,
		`INSERT INTO server(name, host, port, blueprint, settings, created_at) VALUES ('alpha', 'local', 27015, 'default', '{}', 100),
			('beta', 'local', 27016, 'default', '{}', 100)`,
		`INSERT INTO overlay(name, kind, definition, version, created_at, updated_at) VALUES ('maps', 'files', '{}', 1, 100, 100)`,
		`INSERT INTO job(id, kind, noun, target, host, state, spec, steps, asked_by, created_at) VALUES
			('1', 'server.stop', 'server', 'alpha', 'local', 'done', '{}', '[]', 'bob', 99),
			('2', 'server.stop', 'server', 'alpha', 'local', 'done', '{}', '[]', 'bob', 100),
			('3', 'server.stop', 'server', 'beta', 'local', 'queued', '{}', '[]', 'schedule', 99),
			('4', 'overlay.build', 'overlay', 'maps', 'local', 'done', '{}', '[]', 'ann', 101)`,
		`INSERT INTO crash(host, server, at, exit, uptime, lines) VALUES ('local', 'alpha', 100, 'x', 1, '[]')`,
		`INSERT INTO host_report VALUES ('local', 'server', 'alpha', 'running', 1),
			('local', 'overlay', 'maps', '3', 1), ('local', 'game', '', '7', 1)`,
		`INSERT INTO event(kind, target_kind, target_id, target_name, actor_kind, actor_name, at, version, data)
			VALUES ('server.created', 'server', '', 'alpha', 'user', 'ann', 1, 1, '{"version":1}')`,
	} {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(statement, err)
		}
	}
	db.Close()
	s, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	query := func(query string) (text string) {
		t.Helper()
		if err := s.read.QueryRowContext(t.Context(), query).Scan(&text); err != nil {
			t.Fatal(query, err)
		}
		return text
	}
	for _, c := range []struct{ query, want string }{
		{
			`SELECT count(*) || min(length(id)) FROM (SELECT id FROM server UNION SELECT id FROM overlay UNION SELECT id FROM blueprint)`,
			"424",
		},
		{`SELECT group_concat(name) FROM (SELECT name FROM session JOIN user ON user.id = user_id ORDER BY hash)`, "ann,bob"},
		{`SELECT name || (user.id BETWEEN 1 << 32 AND 1 << 53) FROM token JOIN user ON user.id = user_id`, "bob1"},
		{`SELECT group_concat(coalesce(server.name, overlay.name, '-')) FROM (SELECT * FROM job ORDER BY id) AS job
			LEFT JOIN server ON server.id = target_id LEFT JOIN overlay ON overlay.id = target_id`, "-,alpha,beta,maps"},
		{`SELECT group_concat(coalesce(user.name, '-')) FROM (SELECT * FROM job ORDER BY id) AS job
			LEFT JOIN user ON user.id = CAST(asked_by_id AS INTEGER)`, "-,bob,-,ann"},
		{`SELECT server.name FROM crash JOIN server ON server.id = server_id`, "alpha"},
		{`SELECT group_concat(coalesce(server.name, overlay.name, '-')) FROM (SELECT * FROM host_report ORDER BY noun) AS host_report
			LEFT JOIN server ON server.id = target_id LEFT JOIN overlay ON overlay.id = target_id`, "-,maps,alpha"},
		{`SELECT count(*) FROM pragma_foreign_key_check`, "0"},
	} {
		if got := query(c.query); got != c.want {
			t.Errorf("%s\nis %s, want %s", c.query, got, c.want)
		}
	}
	e, err := s.Events().After(t.Context(), 0, 10)
	if err != nil || len(e) != 1 || e[0].Target != left4me.OnServer("alpha") || e[0].Actor.Name != "ann" ||
		string(e[0].Data) != `{"version":1}` {
		t.Errorf("event from before the upgrade: %+v, %v", e, err)
	}
}

// For jobs and rollouts from before the actor's kind was stored, the kind is derived from the name.
func TestUpgradeDerivesActorKind(t *testing.T) {
	path := filepath.Join(t.TempDir(), "left4me.db")
	write := beforeMigration(t, path, 14)
	exec := func(statement string, args ...any) {
		t.Helper()
		if _, err := write.ExecContext(t.Context(), statement, args...); err != nil {
			t.Fatal(err)
		}
	}
	kinds := map[string]left4me.ActorKind{
		"": left4me.SystemActor, "schedule": left4me.SystemActor, "schedule, for revision 3 of maps": left4me.SystemActor,
		"left4me": left4me.SystemActor, "left4me tidies": left4me.SystemActor, "rollout of ann to build 7": left4me.SystemActor,
		"ann": left4me.UserActor, "schedules": left4me.UserActor, "left4me-admin": left4me.UserActor, "Schedule": left4me.UserActor,
	}
	for by := range kinds {
		exec(`INSERT INTO job(id, kind, noun, target, host, state, spec, steps, asked_by, created_at)
			VALUES (?1, 'server.stop', 'server', 'alpha', 'local', 'done', '{}', '[]', ?1, 1000)`, by)
		exec(`INSERT INTO rollout(host, mode, job, build, state, reason, asked_by, created_at, moves)
			VALUES (?1, 'now', '1', 1, 'done', '', ?1, 1000, '[]')`, by)
	}
	exec(`INSERT INTO event(kind, target_kind, target_id, target_name, actor_kind, actor_name, at, version, data)
		VALUES ('server.deleted', 'server', 'alpha', 'alpha', 'user', 'ann', 1000, 1, '{}')`)
	write.Close()
	s, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for by, kind := range kinds {
		want := left4me.Actor{Kind: kind, Name: by}
		if j, err := s.Jobs().Get(t.Context(), left4me.JobID(by)); err != nil || j.By != want {
			t.Errorf("job of %q: %#v, %v", by, j.By, err)
		}
		if strings.Contains(by, " ") {
			continue // rollouts never had such names
		}
		if r, err := s.Game().Rollout(t.Context(), left4me.Name(by)); err != nil || r.By != want {
			t.Errorf("rollout of %q: %#v, %v", by, r.By, err)
		}
	}
	if all, err := s.Events().After(t.Context(), 0, 10); err != nil || len(all) != 1 || all[0].Actor != left4me.ByUser("ann") {
		t.Errorf("got %+v, error %v", all, err)
	}
}
