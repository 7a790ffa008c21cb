package agent

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/disk"
	"github.com/left4me/left4me/internal/host/running/instance"
	"github.com/left4me/left4me/internal/left4me"
)

// createSparse creates a sparse file of size bytes, as a plugin can.
func createSparse(t *testing.T, file string, size int64) {
	t.Helper()
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(size); errors.Is(err, unix.EFBIG) {
		t.Skipf("the file system does not support files of %d bytes", size)
	} else if err != nil {
		t.Fatal(err)
	}
}

// startedOnce creates a server that was started once, and returns a directory of its writable layer.
func (d *depot) startedOnce(n left4me.Name) string {
	d.t.Helper()
	upper := filepath.Join(d.Files.Root.Upper(n), "left4dead2", "data")
	err := errors.Join(os.MkdirAll(upper, 0o755), os.MkdirAll(d.Files.Root.Instance(n), 0o755))
	env, eerr := instance.Env{Port: d.Port, Lowerdirs: []string{"installation"}}.Append(nil)
	if err = errors.Join(err, eerr, os.MkdirAll(d.Files.Root.Installation(), 0o755),
		os.WriteFile(d.Files.Root.Env(n), env, 0o644)); err != nil {
		d.t.Fatal(err)
	}
	return upper
}

func promoted(n left4me.Name, paths ...string) left4me.BuildSpec {
	return left4me.BuildSpec{
		Overlay: left4me.Overlay{Name: "kept", Kind: left4me.FilesOverlay},
		Promote: &left4me.Promote{Server: n, Paths: paths},
	}
}

// A renamed server is found by either name. A later server with the old name is not mistaken for
// it.
func TestPromoteFindsRenamedServer(t *testing.T) {
	d := newDepot(t)
	data := d.startedOnce("alpha")
	env, err := instance.Env{ID: "first", Port: d.Port, Lowerdirs: []string{"installation"}}.Append(nil)
	if err = errors.Join(err, os.WriteFile(d.Files.Root.Env("alpha"), env, 0o644),
		os.WriteFile(filepath.Join(data, "0.txt"), []byte("x"), 0o644)); err != nil {
		t.Fatal(err)
	}
	spec := promoted("beta", "left4dead2/data/0.txt")
	spec.PromoteFrom, spec.PromoteID = "alpha", "first"
	if r := d.end(d.ask(left4me.BuildOverlay, "kept", spec)); r.State != left4me.JobDone {
		t.Errorf("got %+v, %+v", r, r.Error)
	}
	// The host renamed the server, control does not know, and the server has been renamed again
	// since.
	spec.Promote.Server = "gamma"
	if _, err := d.Files.Rename("alpha", "beta"); err != nil {
		t.Fatal(err)
	}
	if r := d.end(d.ask(left4me.BuildOverlay, "kept", spec)); r.State != left4me.JobDone {
		t.Errorf("got %+v, %+v", r, r.Error)
	}
	spec.Promote.Server, spec.PromoteFrom, spec.PromoteID = "alpha", "beta", "before"
	if r := d.end(d.ask(left4me.BuildOverlay, "kept", spec)); r.Error == nil || r.Error.Code != "server.renamed_meanwhile" {
		t.Errorf("got %+v, %+v", r, r.Error)
	}
}

// Plugins decide how large the files of a server are. Files that do not fit must be refused before
// anything is copied.
func TestPromoteRejectsTooLargeFilesBeforeCopying(t *testing.T) {
	// On a large disk, files that do not fit also exceed the limits of an import.
	small := smallDisk(t, "128m")
	d := newDepot(t)
	data := d.startedOnce("alpha")
	free, _, err := disk.Room(data)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(data, "0.txt"), []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	refused := func(kind left4me.Kind, text string, paths ...string) {
		t.Helper()
		begun := time.Now()
		r := d.end(d.ask(left4me.BuildOverlay, "kept", promoted("alpha", paths...)))
		if r.State != left4me.JobFailed || r.Error == nil || r.Error.Kind != kind || !strings.Contains(r.Error.Text, text) {
			t.Errorf("got %+v, %+v", r, r.Error)
		}
		if took := time.Since(begun); took > 10*time.Second {
			t.Errorf("the refusal took %s", took)
		}
		err := filepath.WalkDir(filepath.Join(string(d.Root.Root), "tmp"), func(p string, e fs.DirEntry, err error) error {
			if err == nil && e.Name() == "0.txt" {
				t.Errorf("%s was left", p)
			}
			return err
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Error(err)
		}
	}
	createSparse(t, filepath.Join(data, "huge"), 10<<40)
	refused(left4me.Invalid, `"left4dead2/data/huge" is too large`, "left4dead2/data")
	if err := os.Remove(filepath.Join(data, "huge")); err != nil {
		t.Fatal(err)
	}
	const each = 60 << 30
	n := int(free/each) + 1
	for i := range n {
		createSparse(t, filepath.Join(data, fmt.Sprint("large", i)), each)
	}
	if fits := n*each <= 256<<30; !fits && small {
		t.Errorf("the small disk has %d bytes", free)
	} else if fits {
		refused(left4me.DiskFull, "needed", "left4dead2/data")
	}
	for i := range 5 {
		createSparse(t, filepath.Join(data, fmt.Sprint("large", i)), each)
	}
	refused(left4me.Invalid, "exceed the limits", "left4dead2/data")
}

func TestPromoteKeepsHoles(t *testing.T) {
	t.Parallel()
	d := newDepot(t)
	data := d.startedOnce("alpha")
	createSparse(t, filepath.Join(data, "holes"), 200<<20)
	if err := os.WriteFile(filepath.Join(data, "same.txt"), []byte("text"), 0o644); err != nil {
		t.Fatal(err)
	}
	// Files that are named twice are copied once.
	r := d.done(d.ask(left4me.BuildOverlay, "kept",
		promoted("alpha", "left4dead2/data/same.txt", "left4dead2/data", "left4dead2/data/holes")))
	if s := stepOf(r, left4me.StepFetch); s.Note != "2 files" || s.Progress.Done != s.Progress.Total || s.Progress.Total != 200<<20+4 {
		t.Errorf("got %+v", s)
	}
	revision := filepath.Join(d.Files.Root.Overlay("kept"), "1", "left4dead2", "data")
	var st unix.Stat_t
	if err := unix.Stat(filepath.Join(revision, "holes"), &st); err != nil || st.Size != 200<<20 || st.Blocks*512 > 10<<20 {
		t.Errorf("got %d bytes with %d allocated on disk, %v", st.Size, st.Blocks*512, err)
	}
	if b, err := os.ReadFile(filepath.Join(revision, "same.txt")); err != nil || string(b) != "text" {
		t.Errorf("got %q, %v", b, err)
	}
	if r := d.end(d.ask(left4me.BuildOverlay, "kept", promoted("alpha", "left4dead2/data/none"))); r.Error == nil ||
		r.Error.Kind != left4me.NotFound {
		t.Errorf("got %+v", r)
	}
}
