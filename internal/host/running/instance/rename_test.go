package instance_test

import (
	"bufio"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/host/running/instance"
	"github.com/left4me/left4me/internal/left4me"
)

// places are the directories that a rename changes, in the order of the changes.
var places = []string{"runtime", "logs", "instances"}

// furnish creates a file for a server in each place.
func furnish(t *testing.T, f instance.Files, n left4me.Name) {
	t.Helper()
	for _, place := range places {
		dir := filepath.Join(string(f.Root), place, string(n))
		if err := errors.Join(os.MkdirAll(dir, 0o770), os.WriteFile(filepath.Join(dir, "file"), []byte(place), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
}

// has counts the places in which a server has its file.
func has(f instance.Files, n left4me.Name) (count int) {
	for _, place := range places {
		b, err := os.ReadFile(filepath.Join(string(f.Root), place, string(n), "file"))
		if err == nil && string(b) == place {
			count++
		}
	}
	return count
}

// A rename that was interrupted between any two directories can be resumed.
func TestInterruptedRenameResumes(t *testing.T) {
	for done := range len(places) + 1 {
		f := host(t)
		furnish(t, f, "alpha")
		for _, place := range places[:done] {
			dir := filepath.Join(string(f.Root), place)
			if err := os.Rename(filepath.Join(dir, "alpha"), filepath.Join(dir, "beta")); err != nil {
				t.Fatal(err)
			}
		}
		renamed, err := f.Rename("alpha", "beta")
		if err != nil || renamed != (done < len(places)) {
			t.Errorf("interrupted after %d: renamed %t, %v", done, renamed, err)
		}
		if has(f, "beta") != len(places) || f.Root.Exists("alpha") {
			t.Errorf("interrupted after %d: %d places have the new name, old name exists: %t", done, has(f, "beta"), f.Root.Exists("alpha"))
		}
	}
}

// Diff finds the last start of a server under each name that the server can have on this host: its old
// name, its new name or, if the end of a rename was not reported, a name that is recorded nowhere else.
func TestDiffFindsServerUnderFormerName(t *testing.T) {
	f := host(t)
	on := spec()
	on.ID = "first"
	if err := f.Prepare(t.Context(), on); err != nil {
		t.Fatal(err)
	}
	for i, names := range [][2]left4me.Name{{"beta", "alpha"}, {"beta", "alpha"}, {"gamma", "alpha"}, {"alpha", ""}} {
		if i == 1 {
			if _, err := f.Rename("alpha", "beta"); err != nil {
				t.Fatal(err)
			}
			on.Name = "beta"
			if err := f.Prepare(t.Context(), on); err != nil {
				t.Fatal(err)
			}
		}
		renamed := on
		renamed.Name, renamed.OldName = names[0], names[1]
		files, err := f.Diff(renamed)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range files {
			if v.Running == "" || v.Path == instance.ArgumentsFile && v.Running != v.Next {
				t.Errorf("case %d: %s was %q, next is %q", i, v.Path, v.Running, v.Next)
			}
		}
	}
}

// The directory with the server's ID belongs to the server, regardless of its name. Without an ID, the
// directory of the old name does, unless it belongs to another server.
func TestFormerNameIsFoundByID(t *testing.T) {
	type on map[left4me.Name]left4me.ID
	for _, c := range []struct {
		has       on // ID by name on this host
		id        left4me.ID
		name, old left4me.Name
		want      left4me.Name
	}{
		{on{}, "first", "beta", "", ""},
		{on{}, "first", "beta", "alpha", "alpha"},
		{on{"alpha": "first"}, "first", "beta", "alpha", "alpha"},
		{on{"alpha": ""}, "first", "beta", "alpha", "alpha"},
		{on{"alpha": "first"}, "", "beta", "alpha", "alpha"},
		{on{"beta": "first"}, "first", "beta", "alpha", ""},
		{on{"beta": "first"}, "first", "beta", "", ""},
		{on{"alpha": "next", "beta": "first"}, "first", "beta", "alpha", ""},
		{on{"alpha": "next"}, "first", "beta", "alpha", ""},
		// After a rename that was not reported: a third name, or the first name again.
		{on{"beta": "first"}, "first", "gamma", "alpha", "beta"},
		{on{"beta": "first"}, "first", "alpha", "", "beta"},
		{on{"alpha": "next", "beta": "first"}, "first", "gamma", "alpha", "beta"},
		{on{"alpha": "", "beta": "first"}, "first", "gamma", "alpha", "beta"},
		{on{"beta": "first", "gamma": "first"}, "first", "gamma", "alpha", ""}, // copied manually
		// The database assigned a new ID: the server with its name counts.
		{on{"beta": "before"}, "first", "beta", "alpha", "alpha"},
	} {
		f := host(t)
		for n, id := range c.has {
			s := spec()
			s.Name, s.ID = n, id
			if err := f.Prepare(t.Context(), s); err != nil {
				t.Fatal(err)
			}
		}
		if got := f.Root.FormerName(left4me.Spec{ID: c.id, Name: c.name, OldName: c.old}); got != c.want {
			t.Errorf("FormerName of ID %q, name %s, old name %q, with %v on disk = %q, want %q", c.id, c.name, c.old, c.has, got, c.want)
		}
	}
}

// A server that was never started has nothing to rename.
func TestRenameOfServerWithoutFiles(t *testing.T) {
	f := host(t)
	if renamed, err := f.Rename("alpha", "beta"); renamed || err != nil {
		t.Errorf("renamed = %t, %v", renamed, err)
	}
	if _, err := f.Rename("alpha", "../beta"); !errors.Is(err, left4me.Invalid) {
		t.Error(err)
	}
}

// If both names exist, neither is overwritten and nothing changes. An empty directory doesn't count.
func TestRenameRefusesIfBothNamesExist(t *testing.T) {
	for _, place := range places {
		f := host(t)
		furnish(t, f, "alpha")
		other := filepath.Join(string(f.Root), place, "beta", "other")
		if err := os.MkdirAll(other, 0o770); err != nil {
			t.Fatal(err)
		}
		if _, err := f.Rename("alpha", "beta"); !errors.Is(err, left4me.Conflict) {
			t.Errorf("%s: got %v, want Conflict", place, err)
		}
		if _, err := os.Stat(other); err != nil || has(f, "alpha") != len(places) {
			t.Errorf("%s: %v, and %d places have the old name", place, err, has(f, "alpha"))
		}
		if err := os.Remove(other); err != nil {
			t.Fatal(err)
		}
		if renamed, err := f.Rename("alpha", "beta"); !renamed || err != nil || has(f, "beta") != len(places) {
			t.Errorf("%s, empty directory: renamed = %t, %v", place, renamed, err)
		}
	}
}

// A file under the new name isn't removed.
func TestRenameDoesNotReplaceFile(t *testing.T) {
	f := host(t)
	furnish(t, f, "alpha")
	other := filepath.Join(string(f.Root), "runtime", "beta")
	if err := os.WriteFile(other, []byte("other"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Rename("alpha", "beta"); !errors.Is(err, left4me.Conflict) {
		t.Error(err)
	}
	if _, err := os.Stat(other); err != nil || has(f, "alpha") != len(places) {
		t.Errorf("%v, and %d places have the old name", err, has(f, "alpha"))
	}
}

// cutRename simulates a rename from alpha to beta that was interrupted after done places.
func cutRename(t *testing.T, f instance.Files, done int) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(f.Root.Instance("alpha"), "renaming"), []byte("beta"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, place := range places[:done] {
		dir := filepath.Join(string(f.Root), place)
		if err := os.Rename(filepath.Join(dir, "alpha"), filepath.Join(dir, "beta")); err != nil {
			t.Fatal(err)
		}
	}
}

// An interrupted rename that is never resumed leaves no files under the new name, which the next server
// of that name would get. A completed rename stays.
func TestUndoRenamesRevertsInterruptedRename(t *testing.T) {
	for done := range len(places) + 1 {
		f := host(t)
		furnish(t, f, "alpha")
		cutRename(t, f, done)
		if err := f.UndoRenames(); err != nil {
			t.Error(err)
		}
		n, other := left4me.Name("alpha"), left4me.Name("beta")
		if done == len(places) {
			n, other = other, n
		}
		if has(f, n) != len(places) || f.Root.Exists(other) {
			t.Errorf("interrupted after %d: %d places have %s; %s exists: %t", done, has(f, n), n, other, f.Root.Exists(other))
		}
		if _, err := os.Lstat(filepath.Join(f.Root.Instance(n), "renaming")); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("interrupted after %d: the note still exists: %v", done, err)
		}
		if renamed, err := f.Rename(n, "gamma"); !renamed || err != nil || has(f, "gamma") != len(places) {
			t.Errorf("interrupted after %d: renamed = %t, %v; %d places have the third name", done, renamed, err, has(f, "gamma"))
		}
		if _, err := os.Lstat(filepath.Join(f.Root.Instance("gamma"), "renaming")); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("interrupted after %d: the next rename left its note: %v", done, err)
		}
	}
}

// UndoRenames leaves directories alone that belong to another server by now.
func TestUndoRenamesLeavesNextServerAlone(t *testing.T) {
	f := host(t)
	furnish(t, f, "alpha")
	cutRename(t, f, 0)
	if err := os.RemoveAll(f.Root.Runtime("alpha")); err != nil {
		t.Fatal(err)
	}
	furnish(t, f, "beta")
	if err := f.UndoRenames(); err != nil || has(f, "beta") != len(places) {
		t.Errorf("UndoRenames: %v; %d places of the other server are left", err, has(f, "beta"))
	}
}

// renameVar is the root in which a child process of this test renames until it is killed.
const renameVar = "RENAME_TEST_ROOT"

// After a SIGKILL in the middle of a rename, the next rename completes it.
func TestRenameSurvivesKill(t *testing.T) {
	if root := os.Getenv(renameVar); root != "" {
		f := instance.Files{Root: instance.Root(root), Group: -1}
		os.Stdout.WriteString("begins\n")
		for from, to := left4me.Name("alpha"), left4me.Name("beta"); ; from, to = to, from {
			if _, err := f.Rename(from, to); err != nil {
				t.Fatal(err)
			}
		}
	}
	f := host(t)
	furnish(t, f, "alpha")
	const want, most = 3, 200 // kills in the middle of a rename; maximum number of kills
	middle := 0
	for i := 0; middle < want; i++ {
		if i == most {
			t.Fatalf("only %d of %d kills hit the middle of a rename", middle, most)
		}
		cmd := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run=^"+t.Name()+"$")
		cmd.Env = append(os.Environ(), renameVar+"="+string(f.Root))
		out, err := cmd.StdoutPipe()
		if err == nil {
			err = cmd.Start()
		}
		if err == nil {
			_, err = bufio.NewReader(out).ReadString('\n')
		}
		if err != nil {
			t.Fatal(err)
		}
		<-time.After(rand.N(5 * time.Millisecond)) // kill at a random moment of the rename
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		alpha, beta := has(f, "alpha"), has(f, "beta")
		if alpha+beta != len(places) {
			t.Fatalf("%d places have the old name, %d the new one", alpha, beta)
		}
		if alpha > 0 && beta > 0 {
			middle++
		}
		if _, err := f.Rename("alpha", "beta"); err != nil {
			t.Fatal(err)
		}
		if has(f, "beta") != len(places) || f.Root.Exists("alpha") {
			t.Fatalf("after the kill, %d of %d places have the new name", has(f, "beta"), len(places))
		}
		if _, err := f.Rename("beta", "alpha"); err != nil { // reset for the next kill
			t.Fatal(err)
		}
	}
	if _, err := os.Lstat(f.Root.Instance("beta")); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}
