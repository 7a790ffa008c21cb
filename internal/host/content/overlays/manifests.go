package overlays

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"

	"github.com/left4me/left4me/internal/durable"
	"github.com/left4me/left4me/internal/left4me"
)

// filesSuffix is the file extension of a revision's manifest. The file outlives its revision while
// other manifests are deltas to it.
const filesSuffix = ".files"

// manifests provides the file lists of revisions.
type manifests struct {
	layout  *layout
	pool    *pool
	records *records
	usage   *usage
}

// get implements [Repository.Manifest].
func (ms *manifests) get(ctx context.Context, n left4me.Name, number int) (int, Manifest, error) {
	_, v, err := ms.records.find(n, number)
	if err != nil {
		return 0, nil, err
	}
	m, err := ms.of(ctx, n, v)
	return v.Number, m, err
}

func (ms *manifests) of(ctx context.Context, n left4me.Name, v revision) (Manifest, error) {
	dir, number := ms.layout.overlay(n), v.Number
	m, err := readManifest(dir, number)
	if err == nil {
		return m, nil
	}
	if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, errManifest) {
		return nil, err
	}
	if m, err = ms.scan(ctx, filepath.Join(dir, strconv.Itoa(number)), true); err != nil {
		return nil, fmt.Errorf("manifest of %s@%d: %w", n, number, err)
	}
	if !v.Hand { // restored from a backup, which doesn't contain the pool
		for _, e := range m {
			if e.Dir || e.Odd {
				continue
			}
			if err := ms.pool.add(e.key(), filepath.Join(dir, strconv.Itoa(number), e.Path), false); err != nil {
				return nil, err
			}
		}
	}
	ms.records.mu.Lock()
	defer ms.records.mu.Unlock()
	if err := durable.WriteFile(filepath.Join(dir, strconv.Itoa(number)+filesSuffix), appendManifest(nil, 0, nil, m), 0o644); err != nil {
		return nil, ms.layout.diskFull(err, int64(len(m)*64))
	}
	ms.usage.changed()
	return m, nil
}

// readManifest reads a manifest and applies it to its base. Errors: fs.ErrNotExist, errManifest.
func readManifest(dir string, number int) (Manifest, error) {
	p, err := readFiles(dir, number)
	if err != nil || p.base == 0 {
		return p.entries, err
	}
	whole, err := readFiles(dir, p.base)
	if err == nil && whole.base != 0 {
		err = errManifest
	}
	if err != nil {
		return nil, err
	}
	return p.over(whole.entries), nil
}

func readFiles(dir string, number int) (parsed, error) {
	data, err := readSmall(filepath.Join(dir, strconv.Itoa(number)+filesSuffix), maxManifest)
	if errors.Is(err, errRecord) {
		return parsed{}, errManifest
	}
	if err != nil {
		return parsed{}, err
	}
	return parseManifest(data)
}

// encode returns an encoded manifest: a delta to the base of revision near, or to near itself if
// its manifest is complete, if that is less than a third of the complete size.
func (ms *manifests) encode(dir string, near int, m Manifest) []byte {
	whole := appendManifest(nil, 0, nil, m)
	p, err := readFiles(dir, near)
	if err == nil && p.base != 0 {
		near = p.base
		p, err = readFiles(dir, near)
	}
	if err != nil || p.base != 0 {
		return whole
	}
	if differs := appendManifest(nil, near, p.entries, m); len(differs) < len(whole)/3 {
		return differs
	}
	return whole
}

// scan creates the manifest of an existing directory, including entries that are not allowed in a
// layer. Without hash it only reads sizes.
func (ms *manifests) scan(ctx context.Context, dir string, hash bool) (Manifest, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	d, err := root.Open(".")
	if err != nil {
		return nil, err
	}
	defer d.Close()
	t := &intake{ctx: ctx, pool: ms.pool}
	var out Manifest
	var walk func(d *os.File, p string) error
	walk = func(d *os.File, p string) error {
		names, err := d.Readdirnames(-1)
		if err != nil {
			return err
		}
		if p != "" && len(names) == 0 {
			out = append(out, Entry{Path: p, Dir: true})
		}
		for _, name := range names {
			if err := ctx.Err(); err != nil {
				return err
			}
			at := path.Join(p, name)
			f, st, err := openEntry(d, name)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil || CheckPath(at) != nil {
				if f != nil {
					f.Close()
				}
				if len(at) <= maxPath {
					out = append(out, Entry{Path: at, Odd: true})
				}
				continue
			}
			if st.Mode&0o170000 == 0o040000 {
				err = walk(f, at)
			} else {
				e := Entry{Path: at, Size: st.Size, Exec: st.Mode&0o100 != 0}
				if hash {
					e.Size, e.Hash, err = t.sum(f, st.Size)
				}
				out = append(out, e)
			}
			f.Close()
			if err != nil {
				return fmt.Errorf("%q: %w", at, err)
			}
			if len(out) > maxEntries {
				return left4me.NewError(left4me.Invalid, "overlay.directory_too_many_entries", "dir", dir, "limit", maxEntries)
			}
		}
		return nil
	}
	if err := walk(d, ""); err != nil {
		return nil, err
	}
	out.sort()
	return out, nil
}
