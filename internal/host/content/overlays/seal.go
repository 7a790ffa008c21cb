package overlays

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/left4me/left4me/internal/left4me"
)

// sealed is a complete revision without a number.
type sealed struct {
	dir   string
	files Manifest
	first map[key]string // paths of contents that are not in the pool yet
	over  map[key]bool   // contents whose pool file is damaged or has too many links
}

// Seal validates the staged files and moves them out of reach of other users. It returns the
// directory of the complete tree, which may be inspected until the revision is published. Nothing
// may be staged afterwards. Errors are those of Publish.
func (st *Staging) Seal(ctx context.Context, say Progress) (dir string, err error) {
	if st.sealed != nil {
		return st.sealed.dir, nil
	}
	s := st.repo
	if err := s.layout.makeDir(newDir); err != nil {
		return "", err
	}
	// This also ensures that the pool contains the files of the current revision.
	if _, _, err := s.manifests.get(ctx, st.overlay, 0); err != nil && !errors.Is(err, left4me.NotFound) {
		return "", err
	}
	private := s.layout.private(st.job)
	if err := os.RemoveAll(private); err != nil {
		return "", err
	}
	if err := os.Mkdir(private, 0o700); err != nil {
		return "", err
	}
	spare := filepath.Join(private, "copies")
	if err := os.Mkdir(spare, 0o700); err != nil {
		return "", err
	}
	tree, err := newTree(filepath.Join(private, "tree"), s.layout.group)
	if err != nil {
		return "", err
	}
	defer tree.close()
	t := &intake{ctx: ctx, pool: s.pool, tree: tree, spare: spare, first: map[key]string{}, over: map[key]bool{}, progress: throttled(say)}
	if err := t.takeStaged(st.root); err != nil {
		return "", s.layout.diskFull(err, 0)
	}
	if err := st.merge(t); err != nil {
		return "", s.layout.diskFull(fmt.Errorf("take over %s: %w", st.overlay, err), 0)
	}
	st.sealed = &sealed{dir: tree.dir, files: t.out, first: t.first, over: t.over}
	return tree.dir, nil
}

// Fresh returns the files of a sealed revision that are new or changed compared to the current one.
func (st *Staging) Fresh(ctx context.Context) (paths []string, err error) {
	_, before, err := st.repo.manifests.get(ctx, st.overlay, 0)
	if err != nil && !errors.Is(err, left4me.NotFound) {
		return nil, err
	}
	each(before, st.sealed.files, func(p pair) bool {
		if p.to != nil && !p.to.Dir && (p.from == nil || p.from.Hash != p.to.Hash) {
			paths = append(paths, p.to.Path)
		}
		return true
	})
	return paths, nil
}

// merge adds the files kept from the base revision.
func (st *Staging) merge(t *intake) error {
	fresh := t.out
	fresh.sort()
	var kept Manifest
	for _, e := range st.from {
		if _, over := fresh.find(e.Path); !over && !st.removed(e.Path) {
			kept = append(kept, e)
		}
	}
	all := append(append(make(Manifest, 0, len(kept)+len(fresh)), kept...), fresh...)
	all.sort()
	all, err := validated(all)
	if err != nil {
		return err
	}
	if len(kept) > 0 {
		from := filepath.Join(st.repo.layout.overlay(st.overlay), strconv.Itoa(st.base))
		if err := t.keep(from, kept, all, st.hand()); err != nil {
			return err
		}
	}
	t.out = all
	return nil
}

// hand reports whether the base revision was installed by hand. Its files are then validated like
// staged ones.
func (st *Staging) hand() bool {
	r, err := load(st.repo.layout.overlay(st.overlay))
	v, ok := r.get(st.base)
	return err != nil || !ok || v.Hand
}

// throttled returns a function that reports progress at most every 200 ms.
func throttled(say Progress) func(files int, bytes int64) {
	if say == nil {
		return nil
	}
	var last time.Time
	return func(_ int, bytes int64) {
		if now := time.Now(); now.Sub(last) > 200*time.Millisecond {
			last = now
			say(left4me.Progress{Done: bytes, Unit: "bytes"})
		}
	}
}
