package game

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/left4me/left4me/internal/left4me"
)

// tmpPrefix is before everything of ours in tmp/, where others work too.
const tmpPrefix = "game-"

// Used is what is mounted: layers, and the builds that servers run on.
type Used struct {
	Layers map[string]bool
	Builds map[int64]bool
	// Remove calls remove, which removes a layer, unless somebody is about to mount
	// it: then it returns left4me.Busy. Nil: nobody mounts anything meanwhile.
	Remove func(layer string, remove func() error) error
}

func (u Used) remove(layer string, remove func() error) error {
	if u.Remove == nil {
		return remove()
	}
	return u.Remove(layer, remove)
}

// Dropped is what Drop removed.
type Dropped struct {
	Layers []string
	Kept   []string // that no build names, but something has mounted
}

// Drop forgets the builds that nobody will go back to (all that are older than
// the one before the current, but for those that servers run on), and removes the
// layers that no build names and nothing has mounted: out of the way at once, and
// from the disk with [Installation.Sweep].
func (i *Installation) Drop(ctx context.Context, used Used) (Dropped, error) {
	b, err := i.Builds()
	if err != nil || len(b.Builds) == 0 {
		return Dropped{}, err
	}
	if kept := b.trimmed(used); len(kept) < len(b.Builds) {
		if b, err = i.change(func(b *Builds) error { b.Builds = b.trimmed(used); return nil }); err != nil {
			return Dropped{}, err
		}
	}
	names, err := layersIn(i.dir)
	if err != nil {
		return Dropped{}, err
	}
	var d Dropped
	for _, n := range names {
		switch {
		case slices.ContainsFunc(b.Builds, func(x Build) bool { return slices.Contains(x.Layers, n) }):
		case used.Layers[n]:
			d.Kept = append(d.Kept, n)
		default:
			err := used.remove(n, func() error {
				_, err := i.away(filepath.Join(i.dir, n))
				return err
			})
			switch {
			case errors.Is(err, left4me.Busy):
				d.Kept = append(d.Kept, n)
			case err != nil:
				return d, fmt.Errorf("remove layer %s: %w", n, err)
			default:
				d.Layers = append(d.Layers, n)
			}
		}
	}
	return d, ctx.Err()
}

// trimmed are the builds that are kept.
func (b Builds) trimmed(used Used) []Build {
	last := b.index(b.Current) + 1
	var kept []Build
	for k, x := range b.Builds {
		if k <= last || used.Builds[x.Build] {
			kept = append(kept, x)
		}
	}
	return kept
}

// discard removes a directory that nobody may see half-removed; one that isn't
// there is no error.
func (i *Installation) discard(ctx context.Context, dir string) error {
	if _, err := os.Lstat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	away, err := i.away(dir)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return err
	}
	return os.RemoveAll(away)
}

// away takes a directory out of the installation at once.
func (i *Installation) away(dir string) (string, error) {
	if err := os.MkdirAll(i.tmp, 0o751); err != nil {
		return "", err
	}
	tmp, err := os.MkdirTemp(i.tmp, tmpPrefix+"drop-")
	if err != nil {
		return "", err
	}
	return tmp, os.Rename(dir, filepath.Join(tmp, filepath.Base(dir)))
}

// Sweep removes what was dropped, and what runs that were cut left half-made.
// Nothing else may be under way.
func (i *Installation) Sweep(ctx context.Context) error {
	entries, err := os.ReadDir(i.tmp)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return err
		}
		if strings.HasPrefix(e.Name(), tmpPrefix) {
			if err := os.RemoveAll(filepath.Join(i.tmp, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}
