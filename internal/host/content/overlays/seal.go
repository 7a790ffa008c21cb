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

// sealed is a revision that only lacks its number.
type sealed struct {
	dir   string
	files Manifest
	first map[key]string // contents that the pool doesn't have yet, and where they are
	over  map[key]bool   // those that it has, but damaged or with too many names
}

// Seal takes over what was staged: afterwards nobody else can write to it, every
// entry is one that may be in a layer, and the whole tree is beneath the
// directory that it returns, where it can be inspected until it is published.
// Nothing may be staged after it. Errors: as Publish.
func (st *Staging) Seal(ctx context.Context, say Progress) (dir string, err error) {
	if st.sealed != nil {
		return st.sealed.dir, nil
	}
	s := st.repo
	if err := s.layout.makeDir(newDir); err != nil {
		return "", err
	}
	// With it goes that the pool has what the current revision has.
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
	t := &taker{ctx: ctx, pool: s.pool, tree: tree, spare: spare, first: map[key]string{}, over: map[key]bool{}, said: throttled(say)}
	if err := t.top(st.root); err != nil {
		return "", s.layout.full(err, 0)
	}
	if err := st.merge(t); err != nil {
		return "", s.layout.full(fmt.Errorf("take over %s: %w", st.overlay, err), 0)
	}
	st.sealed = &sealed{dir: tree.dir, files: t.out, first: t.first, over: t.over}
	return tree.dir, nil
}

// Fresh are the files of a sealed revision that the current one doesn't have, or
// has with other contents.
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

// merge adds what the revision keeps of the one that it began with.
func (st *Staging) merge(t *taker) error {
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
	all, err := tidied(all)
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

// hand reports whether the revision that this one began with was laid by hand:
// its files are taken as others' are.
func (st *Staging) hand() bool {
	r, err := load(st.repo.layout.overlay(st.overlay))
	v, ok := r.get(st.base)
	return err != nil || !ok || v.Hand
}

// throttled tells how far it is now and then.
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
