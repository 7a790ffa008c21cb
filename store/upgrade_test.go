package store

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"

	"github.com/left4me/left4me"
)

// with is our migrations and one more.
func with(t *testing.T, statement string) fs.FS {
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

func TestACopyIsKeptBeforeAnUpgrade(t *testing.T) {
	path := filepath.Join(t.TempDir(), "left4me.db")
	s, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.migrate(t.Context(), path, with(t, "DELETE FROM blueprint; CREATE TABLE half(x); CREATE TABLE half(x);")); err == nil {
		t.Fatal("an upgrade that can't be is no error")
	}
	if b, err := s.Blueprints(t.Context()); err != nil || len(b) != 1 {
		t.Errorf("after half an upgrade: %v, %v", b, err)
	}
	copies, _ := filepath.Glob(path + ".v*-*")
	for _, c := range copies {
		if err := os.Remove(c); err != nil { // the next one may come within the same second
			t.Fatal(err)
		}
	}
	if err := s.migrate(t.Context(), path, with(t, "DELETE FROM blueprint;")); err != nil {
		t.Fatal(err)
	}
	if b, err := s.Blueprints(t.Context()); err != nil || len(b) != 0 {
		t.Errorf("after the upgrade: %v, %v", b, err)
	}
	copies, _ = filepath.Glob(path + ".v*-*")
	if len(copies) != 1 {
		t.Fatalf("copies: %v", copies)
	}
	if info, err := os.Stat(copies[0]); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v: everybody could read the password hashes", info.Mode(), err)
	}
	kept, err := Open(t.Context(), copies[0])
	if err != nil {
		t.Fatal(err)
	}
	defer kept.Close()
	if b, err := kept.Blueprints(t.Context()); err != nil || len(b) != 1 {
		t.Errorf("the copy holds %v, %v", b, err)
	}
}

// It is told at start, not at the first login.
func TestADatabaseThatCannotBeWritten(t *testing.T) {
	if os.Geteuid() == 0 { // who may write whatever the mode says
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
		t.Errorf("%v, %v", s, err)
	}
}

// asNobody runs this test once more as an ordinary user.
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

func TestTheFileSaysItsSchemaToThoseWithoutSQLite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "left4me.db")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	says := func(want int64) {
		t.Helper()
		if got, err := SchemaOf(path); got != want || err != nil {
			t.Errorf("it says %d, %v, want %d", got, err, want)
		}
	}
	says(0)
	s, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	says(Schema()) // while it is open
	if err := s.migrate(t.Context(), path, with(t, "DELETE FROM blueprint;")); err != nil {
		t.Fatal(err)
	}
	says(9999)
	if _, err := s.write.ExecContext(t.Context(), "PRAGMA user_version = 0"); err != nil {
		t.Fatal(err)
	}
	if err := s.migrate(t.Context(), path, with(t, "DELETE FROM blueprint;")); err != nil { // of a release that didn't write it
		t.Fatal(err)
	}
	says(9999)
	if err := s.migrate(t.Context(), path, migrations); !errors.Is(err, left4me.Invalid) || !strings.Contains(err.Error(), "9999") {
		t.Errorf("a schema from the future: %v", err)
	}
}
