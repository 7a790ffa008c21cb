package game

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/durable"
	"github.com/left4me/left4me/internal/left4me"
)

// Flattened describes the result of Flatten.
type Flattened struct {
	Layers int    // number of merged layers; 0 if there was nothing to merge
	Files  int    // number of files in the new layer
	Name   string // name of the new layer
}

// ToFlatten returns the number of layers that Flatten would merge, or 0.
func (b Builds) ToFlatten() int {
	_, ok := b.Get(b.Current)
	if !ok {
		return 0
	}
	if n := len(b.base().Layers); n > 1 {
		return n
	}
	return 0
}

// base returns the build whose layers are merged: the one before the current build, so that a
// rollback stays possible, or the current build if it is the oldest.
func (b Builds) base() Build {
	if before, ok := b.Before(); ok {
		return before
	}
	now, _ := b.Get(b.Current)
	return now
}

// Flatten merges the layers of the build before the current one into one layer of hard links. It
// copies no file and does not change existing layers. Builds above the merged layers then use the
// new layer; Drop removes the old ones. report, which may be nil, receives the number of files so
// far.
func (i *Installation) Flatten(ctx context.Context, report func(files int)) (Flattened, error) {
	b, err := i.Builds()
	if err != nil || b.ToFlatten() == 0 {
		return Flattened{}, err
	}
	from := b.base()
	name := b.free(fmt.Sprintf("base-%d", from.Build))
	tmp := filepath.Join(i.tmp, tmpPrefix+name)
	if err := os.MkdirAll(i.tmp, 0o751); err != nil {
		return Flattened{}, err
	}
	if err := os.RemoveAll(tmp); err != nil {
		return Flattened{}, err
	}
	m := merge{ctx: ctx, progress: report}
	err = m.dir(tmp, paths(i.dir, from.Layers))
	if err == nil {
		err = syncTree(tmp)
	}
	if err == nil {
		err = i.replace(ctx, from.Layers, name, tmp)
	}
	if err != nil {
		return Flattened{}, errors.Join(fmt.Errorf("merge the layers of build %d: %w", from.Build, err), os.RemoveAll(tmp))
	}
	return Flattened{Layers: len(from.Layers), Files: m.files, Name: name}, nil
}

// replace moves a merged layer into the installation and substitutes it for the layers old in all
// builds.
func (i *Installation) replace(ctx context.Context, old []string, name, tmp string) error {
	to := filepath.Join(i.dir, name)
	_, err := i.change(func(b *Builds) error {
		if b.free(name) != name {
			return fmt.Errorf("%s is taken", name)
		}
		if err := i.discard(ctx, to); err != nil { // left by an interrupted run
			return err
		}
		if err := os.Rename(tmp, to); err != nil {
			return err
		}
		if err := durable.SyncDir(i.dir); err != nil {
			return err
		}
		for k := range b.Builds {
			layers := b.Builds[k].Layers
			top := len(layers) - len(old)
			if top >= 0 && slices.Equal(layers[top:], old) {
				b.Builds[k].Layers = append(slices.Clone(layers[:top]), name)
			}
		}
		return nil
	})
	return err
}

// merge builds a tree of hard links with the content that an overlay of the layers would show.
type merge struct {
	ctx      context.Context
	progress func(files int)
	files    int
}

func (m *merge) dir(to string, stack []string) error {
	if err := m.ctx.Err(); err != nil {
		return err
	}
	if err := os.Mkdir(to, 0o700); err != nil {
		return err
	}
	done := map[string]bool{}
	for k, dir := range stack {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if done[e.Name()] {
				continue
			}
			done[e.Name()] = true
			if err := m.entry(e, to, stack[k:]); err != nil {
				return err
			}
		}
	}
	// Set the mode last; the source directory may be read-only.
	return sameMode(to, stack[0])
}

// entry adds what the topmost layer of a stack has under a name.
func (m *merge) entry(e fs.DirEntry, to string, stack []string) error {
	name := filepath.Join(stack[0], e.Name())
	st, err := e.Info()
	switch {
	case err != nil:
		return err
	case isWhiteout(name, st):
		return nil
	case st.IsDir():
		return m.dir(filepath.Join(to, e.Name()), mergedDirs(stack, e.Name()))
	}
	if err := os.Link(name, filepath.Join(to, e.Name())); err != nil {
		if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) {
			return left4me.NewError(left4me.Denied, "game.link_denied", "path", name).Because(err)
		}
		return err
	}
	if m.files++; m.files%256 == 0 && m.progress != nil {
		m.progress(m.files)
	}
	return nil
}

// sameMode copies group, mode and modification time of a directory.
func sameMode(to, from string) error {
	st, err := os.Lstat(from)
	if err != nil {
		return err
	}
	if sys, ok := st.Sys().(*syscall.Stat_t); ok {
		// Set the group first: a mode for another group could grant too much if the group cannot be
		// set.
		if err := os.Lchown(to, -1, int(sys.Gid)); err != nil {
			return err
		}
	}
	if err := os.Chmod(to, st.Mode()&(fs.ModePerm|fs.ModeSetgid)); err != nil {
		return err
	}
	return os.Chtimes(to, st.ModTime(), st.ModTime())
}
