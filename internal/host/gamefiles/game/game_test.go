package game_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/left4me/left4me/internal/host/gamefiles/game"
	"github.com/left4me/left4me/internal/host/running/instance"
	"github.com/left4me/left4me/internal/host/running/overlayfs"
	"github.com/left4me/left4me/internal/left4me"
)

const install = left4me.InstallInstance

// place is a root with an installation and the overlay in which the installation is updated.
type place struct {
	*game.Installation
	instance.Files
	t *testing.T
}

func newPlace(t *testing.T) *place {
	t.Helper()
	if noMount != "" {
		t.Skip(noMount)
	}
	root := t.TempDir()
	return &place{
		Installation: game.Open(root, -1), t: t,
		Files: instance.Files{Root: instance.Root(root), Group: -1},
	}
}

func (p *place) dir() string { return p.Files.Root.Installation() }

func (p *place) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

// mounted mounts the layers, calls do in the merged directory, and returns the final content of
// that directory.
func (p *place) mounted(layers []string, do func(merged string)) map[string]string {
	p.t.Helper()
	root, err := overlayfs.OpenRoot(string(p.Root))
	p.must(err)
	defer root.Close()
	var from []string
	for _, l := range layers {
		from = append(from, "installation/"+l)
	}
	p.must(p.PrepareInstall(from))
	p.must(root.Mount(install))
	if do != nil {
		do(p.Files.Root.Merged(install))
	}
	seen := tree(p.t, p.Files.Root.Merged(install))
	p.must(root.Unmount(install))
	return seen
}

// current returns the layers of the current build.
func (p *place) current() []string {
	p.t.Helper()
	b, err := p.Builds()
	p.must(err)
	now, _ := b.Get(b.Current)
	return now.Layers
}

// update changes the current build with do and publishes the result.
func (p *place) update(build int64, do func(merged string)) map[string]string {
	p.t.Helper()
	seen := p.mounted(p.current(), func(merged string) {
		do(merged)
		manifest(p.t, merged, build)
	})
	_, err := p.Compare(p.t.Context(), p.Files.Root.Upper(install))
	p.must(err)
	if got, err := p.Judge(p.Files.Root.Upper(install)); err != nil || got != build {
		p.t.Fatalf("judged %d, %v", got, err)
	}
	b, err := p.Publish(p.t.Context(), p.Files.Root.Upper(install), build, time.Now())
	p.must(err)
	if b.Current != build {
		p.t.Errorf("got current build %d after publishing %d", b.Current, build)
	}
	return seen
}

func manifest(t *testing.T, dir string, build int64) {
	t.Helper()
	write(t, filepath.Join(dir, "steamapps/appmanifest_222860.acf"),
		fmt.Sprintf("\"AppState\"\n{\n\t\"appid\"\t\"222860\"\n\t\"StateFlags\"\t\"4\"\n\t\"buildid\"\t\"%d\"\n}\n", build))
	write(t, filepath.Join(dir, "left4dead2/steam.inf"), fmt.Sprintf("PatchVersion=2.2.4.%d\nappID=550\n", build))
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(text), 0o644)); err != nil {
		t.Fatal(err)
	}
}

// first returns a function that writes the files of a first installation.
func first(t *testing.T) func(string) {
	return func(merged string) {
		for _, name := range []string{
			"srcds_run", "srcds_linux", "bin/engine.so", "left4dead2/motd.txt", "left4dead2/maps/a.bsp",
			"left4dead2/maps/b.bsp", "left4dead2/cfg/x.cfg",
		} {
			write(t, filepath.Join(merged, name), "1 "+name)
		}
	}
}

// tree returns type, mode and content of everything in a directory.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || name == dir {
			return err
		}
		rel, _ := filepath.Rel(dir, name)
		st, err := d.Info()
		if err != nil {
			return err
		}
		text := st.Mode().String()
		switch {
		case st.Mode().IsRegular():
			b, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			text += " " + string(b)
		case st.Mode()&fs.ModeSymlink != 0:
			to, err := os.Readlink(name)
			if err != nil {
				return err
			}
			text += " " + to
		}
		all[rel] = text
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// scramble changes a tree in every way that layers can express, including ways that no update uses.
func scramble(t *testing.T, r *rand.Rand, dir string, build int64) {
	t.Helper()
	for range 30 {
		names := slices.Sorted(maps.Keys(tree(t, dir)))
		rel := names[r.IntN(len(names))]
		if strings.HasPrefix(rel, "srcds_") || strings.HasPrefix(rel, "steamapps") || strings.HasSuffix(rel, "left4dead2") ||
			strings.HasSuffix(rel, ".inf") {
			continue
		}
		name := filepath.Join(dir, rel)
		st, err := os.Lstat(name)
		if err != nil {
			t.Fatal(err)
		}
		switch r.IntN(6) {
		case 0:
			err = os.RemoveAll(name)
		case 1: // replaces an entry with one of another type
			if err = os.RemoveAll(name); err == nil && st.IsDir() {
				err = os.WriteFile(name, []byte(fmt.Sprint(build)), 0o644)
			} else if err == nil {
				err = os.MkdirAll(filepath.Join(name, "deep"), 0o755)
			}
		case 2: // a recreated directory hides its old content
			if st.IsDir() {
				write(t, filepath.Join(name, "x"), "x")
				err = errors.Join(os.RemoveAll(name), os.Mkdir(name, 0o755))
				write(t, filepath.Join(name, fmt.Sprint("new", build)), "new")
			}
		case 3:
			if st.Mode().IsRegular() {
				err = os.WriteFile(name, []byte(fmt.Sprint(build, r.Uint64())), 0o644)
			}
		case 4:
			err = os.Symlink("../elsewhere", name+".link")
			if errors.Is(err, fs.ErrExist) {
				err = nil
			}
		case 5:
			if st.IsDir() {
				write(t, filepath.Join(name, fmt.Sprint("f", r.IntN(100))), fmt.Sprint(build))
			} else if st.Mode().IsRegular() {
				err = os.Chmod(name, 0o755)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestBuildsKeepTheirContent(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			p, r := newPlace(t), rand.New(rand.NewPCG(seed, 1))
			seen := map[int64]map[string]string{10: p.update(10, first(t))}
			for build := int64(20); build <= 60; build += 10 {
				seen[build] = p.update(build, func(merged string) { scramble(t, r, merged, build) })
			}
			check := func(when string, builds ...int64) {
				t.Helper()
				b, err := p.Builds()
				p.must(err)
				for _, n := range builds {
					x, ok := b.Get(n)
					if !ok {
						t.Fatalf("%s: build %d is missing", when, n)
					}
					if x.Version != fmt.Sprintf("2.2.4.%d", n) {
						t.Errorf("%s: build %d has version %q", when, n, x.Version)
					}
					if diff := cmp.Diff(seen[n], p.mounted(x.Layers, nil)); diff != "" {
						t.Errorf("%s: build %d has changed:\n%s", when, n, diff)
					}
				}
			}
			check("published", 10, 20, 30, 40, 50, 60)
			before := inodes(t, p.dir())
			f, err := p.Flatten(t.Context(), nil)
			if err != nil || f.Layers != 5 {
				t.Fatalf("got %+v, %v", f, err)
			}
			for ino := range inodes(t, filepath.Join(p.dir(), f.Name)) {
				if !before[ino] {
					t.Error("a file was copied")
				}
			}
			check("merged", 50, 60)
			d, err := p.Drop(t.Context(), game.Used{})
			if err != nil || len(d.Layers) != 5 {
				t.Fatalf("got %+v, %v", d, err)
			}
			check("dropped", 50, 60)
			if f, err := p.Flatten(t.Context(), nil); err != nil || f.Layers != 0 {
				t.Errorf("second merge: %+v, %v", f, err)
			}
			// The directories alone must lead to the same builds.
			p.must(os.Remove(filepath.Join(p.dir(), "builds.json")))
			check("without builds.json", 50, 60)
			p.must(p.Sweep(t.Context()))
			if left, _ := os.ReadDir(filepath.Join(string(p.Root), "tmp")); len(left) > 0 {
				t.Errorf("left in tmp: %v", left)
			}
		})
	}
}

// inodes returns the inode numbers of all files in a tree.
func inodes(t *testing.T, dir string) map[uint64]bool {
	t.Helper()
	all := map[uint64]bool{}
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			st, err := d.Info()
			if err != nil {
				return err
			}
			all[st.Sys().(*syscall.Stat_t).Ino] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestCompareIgnoresRewrittenEqualFiles(t *testing.T) {
	p := newPlace(t)
	p.update(10, first(t))
	p.mounted(p.current(), func(merged string) {
		first(t)(merged)
		manifest(t, merged, 10)
		write(t, filepath.Join(merged, "steamapps/downloading/222860/x"), "half")
	})
	c, err := p.Compare(t.Context(), p.Files.Root.Upper(install))
	if err != nil || c != (game.Changes{}) {
		t.Fatalf("got %+v, %v", c, err)
	}
	for name := range tree(t, p.Files.Root.Upper(install)) {
		if !strings.HasPrefix(name, "steamapps") || strings.Contains(name, "downloading") {
			t.Errorf("%s is in the layer", name)
		}
	}
	p.mounted(p.current(), func(merged string) {
		write(t, filepath.Join(merged, "left4dead2/motd.txt"), "other")
		p.must(os.Remove(filepath.Join(merged, "left4dead2/cfg/x.cfg")))
	})
	c, err = p.Compare(t.Context(), p.Files.Root.Upper(install))
	if want := (game.Changes{Files: 2, Bytes: 5}); err != nil || c != want {
		t.Fatalf("got %+v, %v", c, err)
	}
	// Repairing a build adds a layer to it.
	b, err := p.Publish(t.Context(), p.Files.Root.Upper(install), 10, time.Now())
	p.must(err)
	if x, _ := b.Get(10); len(b.Builds) != 1 || !slices.Equal(x.Layers, []string{"update-10", "base"}) {
		t.Errorf("got %+v", b.Builds)
	}
}

// Publishing a build must reset what Steam reported about the previous build.
func TestPublishResetsOutdated(t *testing.T) {
	p := newPlace(t)
	p.update(10, first(t))
	if b, err := p.Checked(0, "22430", left4me.Notes{left4me.NewNote("game.version_required", "version", 22430)},
		time.Now()); err != nil || !b.Outdated() {
		t.Fatalf("got %+v, %v", b, err)
	}
	p.update(20, func(string) {})
	if b, err := p.Builds(); err != nil || b.Outdated() || b.CheckNote != "" || len(b.CheckNotes) > 0 {
		t.Errorf("after the update: %+v, %v", b, err)
	}
}

func TestRollBackDeletesNothingAndPins(t *testing.T) {
	p := newPlace(t)
	p.update(10, first(t))
	if _, err := p.Switch(0, ""); !errors.Is(err, left4me.NotFound) {
		t.Errorf("rollback with one build: %v", err)
	}
	p.update(20, func(merged string) { write(t, filepath.Join(merged, "left4dead2/motd.txt"), "20") })
	before := tree(t, p.dir())
	if _, err := p.Switch(0, "job"); err != nil {
		t.Fatal(err)
	}
	b, err := p.Switch(0, "job") // repeated, as after a kill
	if err != nil || b.Current != 10 || !b.Pinned {
		t.Fatalf("got %+v, %v", b, err)
	}
	if _, err := p.Drop(t.Context(), game.Used{}); err != nil {
		t.Fatal(err)
	}
	after := tree(t, p.dir())
	delete(before, "builds.json")
	delete(after, "builds.json")
	if diff := cmp.Diff(before, after); diff != "" {
		t.Error(diff)
	}
	if _, err := p.Switch(15, ""); !errors.Is(err, left4me.NotFound) {
		t.Errorf("unknown build: %v", err)
	}
	if b, err = p.Switch(20, ""); err != nil || b.Current != 20 {
		t.Fatalf("got %+v, %v", b, err)
	}
	// After a rollback, an update is based on the current build and not on the newer one.
	p.must(second(p.Switch(10, "")))
	p.update(30, func(merged string) { write(t, filepath.Join(merged, "left4dead2/motd.txt"), "30") })
	b, err = p.Builds()
	p.must(err)
	if x, _ := b.Get(30); !slices.Equal(x.Layers, []string{"update-30", "base"}) || len(b.Builds) != 2 {
		t.Errorf("got %+v", b.Builds)
	}
	d, err := p.Drop(t.Context(), game.Used{})
	if err != nil || !slices.Equal(d.Layers, []string{"update-20"}) {
		t.Errorf("got %+v, %v", d, err)
	}
}

func second(_ game.Builds, err error) error { return err }

func TestDropKeepsUsedLayers(t *testing.T) {
	p := newPlace(t)
	p.update(10, first(t))
	for build := int64(20); build <= 40; build += 10 {
		p.update(build, func(merged string) { write(t, filepath.Join(merged, "left4dead2/motd.txt"), fmt.Sprint(build)) })
	}
	p.must(second(p.Switch(10, "")))
	p.must(second(p.Switch(40, "")))
	used := game.Used{Layers: map[string]bool{"update-20": true, "base": true}, Builds: map[int64]bool{20: true}}
	if _, err := p.Flatten(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	d, err := p.Drop(t.Context(), used)
	if err != nil || !slices.Equal(d.Layers, []string{"update-30"}) {
		t.Fatalf("got %+v, %v", d, err)
	}
	b, err := p.Builds()
	p.must(err)
	if len(b.Builds) != 3 {
		t.Errorf("got %+v", b.Builds)
	}
	d, err = p.Drop(t.Context(), game.Used{Layers: used.Layers})
	if err != nil || len(d.Layers) != 0 || !slices.Equal(d.Kept, []string{"base", "update-20"}) {
		t.Fatalf("got %+v, %v", d, err)
	}
	d, err = p.Drop(t.Context(), game.Used{})
	if err != nil || !slices.Equal(d.Layers, []string{"base", "update-20"}) {
		t.Fatalf("got %+v, %v", d, err)
	}
}

// Wherever a publication is interrupted, the old build stays active, and the next run completes the
// publication or removes its files.
func TestInterruptedPublishKeepsOldBuild(t *testing.T) {
	for name, cut := range map[string]func(p *place) error{
		"before the layer is moved": func(p *place) error { return nil },
		"before builds.json is written": func(p *place) error {
			return os.Rename(p.Files.Root.Upper(install), filepath.Join(p.dir(), "update-20"))
		},
		"with the layer of an earlier attempt": func(p *place) error {
			write(p.t, filepath.Join(p.dir(), "update-20/left4dead2/half"), "half")
			return nil
		},
		"while builds.json is written": func(p *place) error {
			write(p.t, filepath.Join(p.dir(), ".new-builds-1"), "{")
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			p.update(10, first(t))
			stage := func() {
				p.mounted(p.current(), func(merged string) {
					write(t, filepath.Join(merged, "left4dead2/motd.txt"), "20")
					manifest(t, merged, 20)
				})
			}
			stage()
			p.must(cut(p))
			layers, build, err := game.Layers(p.dir())
			if err != nil || build != 10 || !slices.Equal(layers, []string{"base"}) {
				t.Fatalf("servers start with build %d, %q, %v", build, layers, err)
			}
			b, err := p.Publish(t.Context(), p.Files.Root.Upper(install), 20, time.Now())
			p.must(err)
			if x, _ := b.Get(20); !slices.Equal(x.Layers, []string{"update-20", "base"}) {
				t.Errorf("got %+v", b.Builds)
			}
			if _, err := os.Lstat(filepath.Join(p.dir(), "update-20/left4dead2/half")); err == nil {
				t.Error("the build contains a file of the earlier attempt")
			}
		})
	}
	t.Run("and is not resumed", func(t *testing.T) {
		p := newPlace(t)
		p.update(10, first(t))
		write(t, filepath.Join(p.dir(), "update-20/left4dead2/motd.txt"), "20")
		write(t, filepath.Join(string(p.Root), "tmp/game-base-10/x"), "x")
		write(t, filepath.Join(string(p.Root), "tmp/backup/x"), "x")
		d, err := p.Drop(t.Context(), game.Used{})
		if err != nil || !slices.Equal(d.Layers, []string{"update-20"}) {
			t.Errorf("got %+v, %v", d, err)
		}
		p.must(p.Sweep(t.Context()))
		left, err := os.ReadDir(filepath.Join(string(p.Root), "tmp"))
		if err != nil || len(left) != 1 || left[0].Name() != "backup" {
			t.Errorf("left in tmp: %v, %v", left, err)
		}
	})
}

func TestInterruptedFlattenChangesNothing(t *testing.T) {
	p := newPlace(t)
	p.update(10, first(t))
	p.update(20, func(merged string) { write(t, filepath.Join(merged, "left4dead2/motd.txt"), "20") })
	p.update(30, func(merged string) { write(t, filepath.Join(merged, "left4dead2/motd.txt"), "30") })
	want := p.current()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.Flatten(ctx, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	// Simulates a kill after the new layer was moved into the installation and before builds.json
	// named it.
	write(t, filepath.Join(p.dir(), "base-20/left4dead2/half"), "half")
	if got := p.current(); !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	f, err := p.Flatten(t.Context(), nil)
	if err != nil || f.Name != "base-20" {
		t.Fatalf("got %+v, %v", f, err)
	}
	if _, err := os.Lstat(filepath.Join(p.dir(), "base-20/left4dead2/half")); err == nil {
		t.Error("the build contains a file of the earlier attempt")
	}
}

// SteamCMD may be replaced by another program. That program could put a link to a mounted layer in
// place of the writable directory.
func TestLinkInPlaceOfWrittenLayerIsRefused(t *testing.T) {
	p := newPlace(t)
	p.update(10, first(t))
	p.mounted(p.current(), nil)
	base := filepath.Join(p.dir(), "base")
	before := tree(t, base)
	p.must(os.RemoveAll(p.Files.Root.Upper(install)))
	p.must(os.Symlink(base, p.Files.Root.Upper(install)))
	if build, err := p.Judge(p.Files.Root.Upper(install)); err == nil {
		t.Errorf("Judge followed the link and found build %d", build)
	}
	if c, err := p.Compare(t.Context(), p.Files.Root.Upper(install)); err == nil {
		t.Errorf("Compare followed the link: %+v", c)
	}
	if b, err := p.Publish(t.Context(), p.Files.Root.Upper(install), 20, time.Now()); err == nil {
		t.Errorf("Publish followed the link: %+v", b)
	}
	if diff := cmp.Diff(before, tree(t, base)); diff != "" {
		t.Errorf("the linked layer has changed: %s", diff)
	}
	p.must(p.DiscardInstall())
	if diff := cmp.Diff(before, tree(t, base)); diff != "" {
		t.Errorf("the linked layer was discarded: %s", diff)
	}
}
