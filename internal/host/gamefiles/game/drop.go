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

// tmpPrefix is the prefix of the package's entries in tmp/, which other packages use too.
const tmpPrefix = "game-"

// Used lists the mounted layers and the builds that servers run on.
type Used struct {
	Layers map[string]bool
	Builds map[int64]bool
	// Remove calls remove, which removes a layer, unless a start is about to mount it: then it
	// returns left4me.Busy. It may be nil if nothing can be mounted in the meantime.
	Remove func(layer string, remove func() error) error
}

func (u Used) remove(layer string, remove func() error) error {
	if u.Remove == nil {
		return remove()
	}
	return u.Remove(layer, remove)
}

// Dropped lists what Drop removed.
type Dropped struct {
	Layers []string
	Kept   []string // layers that no build uses but that are still mounted
}

// Drop forgets old builds: all that are older than the one before the current build, except those
// that servers run on. It then removes the layers that no remaining build uses and nothing has
// mounted. Removed layers leave the installation immediately; [Installation.Sweep] frees their disk
// space.
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
				_, err := i.moveAway(filepath.Join(i.dir, n))
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

// trimmed returns the builds to keep.
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

// discard removes a directory without exposing a partly removed state. A missing directory is no
// error.
func (i *Installation) discard(ctx context.Context, dir string) error {
	if _, err := os.Lstat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	away, err := i.moveAway(dir)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return err
	}
	return os.RemoveAll(away)
}

// moveAway moves a directory out of the installation into tmp/ and returns its new parent.
func (i *Installation) moveAway(dir string) (string, error) {
	if err := os.MkdirAll(i.tmp, 0o751); err != nil {
		return "", err
	}
	tmp, err := os.MkdirTemp(i.tmp, tmpPrefix+"drop-")
	if err != nil {
		return "", err
	}
	return tmp, os.Rename(dir, filepath.Join(tmp, filepath.Base(dir)))
}

// Sweep removes dropped layers and the partial files of interrupted runs. No other operation may be
// in progress.
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
