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
)

// tmpPrefix is before everything of ours in tmp/, where others work too.
const tmpPrefix = "game-"

// Used is what is mounted: layers, and the builds that servers run on.
type Used struct {
	Layers map[string]bool
	Builds map[int64]bool
}

// Dropped is what Drop removed.
type Dropped struct {
	Layers []string
	Kept   []string // that no build names, but something has mounted
}

// Drop forgets the builds that nobody will go back to (all that are older than
// the one before the current, but for those that servers run on), and removes the
// layers that no build names and nothing has mounted, and what runs that were cut
// left half-made.
func (i *Installation) Drop(ctx context.Context, used Used) (Dropped, error) {
	b, err := i.Builds()
	if err != nil || len(b.Builds) == 0 {
		return Dropped{}, errors.Join(err, i.sweep(ctx))
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
			if err := i.discard(ctx, filepath.Join(i.dir, n)); err != nil {
				return d, fmt.Errorf("remove layer %s: %w", n, err)
			}
			d.Layers = append(d.Layers, n)
		}
	}
	return d, i.sweep(ctx)
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
	if err := os.MkdirAll(i.tmp, 0o751); err != nil {
		return err
	}
	away := filepath.Join(i.tmp, tmpPrefix+"drop-"+filepath.Base(dir))
	if err := os.RemoveAll(away); err != nil {
		return err
	}
	if err := os.Rename(dir, away); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return os.RemoveAll(away)
}

// sweep removes what runs that were cut left in tmp/.
func (i *Installation) sweep(ctx context.Context) error {
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
