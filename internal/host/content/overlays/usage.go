package overlays

import (
	"context"
	"encoding/binary"
	"io/fs"
	"path/filepath"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"
)

// usage counts what the disk holds for whom.
type usage struct {
	layout *layout
	pool   *pool

	cache   sync.Mutex // of what follows
	turn    uint64     // counts changes
	counted *uses
	onDisk  map[uint64]int64 // bytes that contents take, by the first bytes of their hash

	weights sync.Mutex
	weighed map[string]weight // of what was laid by hand, by its directory
}

func newUsage(l *layout, p *pool) *usage {
	return &usage{layout: l, pool: p, onDisk: map[uint64]int64{}, weighed: map[string]weight{}}
}

// changed forgets what was counted.
func (us *usage) changed() {
	us.cache.Lock()
	us.turn++
	us.cache.Unlock()
}

// uses is what the disk holds for whom, in bytes, by the directory of an overlay
// or of a revision.
type uses struct {
	turn uint64
	own  map[string]int64 // that would be free without it
	all  map[string]int64 // of overlays alone
}

// owner is who has a content: overlay and revision as they were counted, or
// several.
type owner struct {
	blocks            int64
	overlay, revision int32
	overlays          []int32 // when there are several
}

const several = -1

// count counts, unless nothing has changed since it was counted last.
func (us *usage) count(ctx context.Context) (*uses, error) {
	us.cache.Lock()
	defer us.cache.Unlock()
	if us.counted != nil && us.counted.turn == us.turn {
		return us.counted, nil
	}
	u := &uses{turn: us.turn, own: map[string]int64{}, all: map[string]int64{}}
	var dirs, revisions []string
	names, err := us.layout.names()
	if err != nil {
		return nil, err
	}
	for _, n := range names {
		dirs = append(dirs, us.layout.overlay(n))
	}
	aside, err := us.layout.deleted()
	if err != nil {
		return nil, err
	}
	for _, d := range aside {
		dirs = append(dirs, d.dir)
	}
	owners := map[uint64]*owner{}
	for i, dir := range dirs {
		r, err := load(dir)
		if err != nil {
			return nil, err
		}
		wholes := map[int]Manifest{}
		for _, v := range r.Revisions {
			rev := filepath.Join(dir, strconv.Itoa(v.Number))
			m, err := us.light(dir, v.Number, wholes)
			if err != nil || v.Hand { // nobody shares what was laid by hand, as far as is known
				w, err := us.weigh(ctx, rev)
				if err != nil {
					return nil, err
				}
				u.own[rev] = w.blocks
				u.own[dir] += w.blocks
				u.all[dir] += w.blocks
				continue
			}
			revisions = append(revisions, rev)
			us.add(owners, m, int32(i), int32(len(revisions)-1))
			if err := ctx.Err(); err != nil {
				return nil, err
			}
		}
	}
	for _, o := range owners {
		if o.overlay != several {
			u.own[dirs[o.overlay]] += o.blocks
			u.all[dirs[o.overlay]] += o.blocks
		}
		if o.revision != several {
			u.own[revisions[o.revision]] += o.blocks
		}
		for _, i := range o.overlays {
			u.all[dirs[i]] += o.blocks
		}
	}
	us.counted = u
	return u, nil
}

// light reads a manifest, with whole ones at hand.
func (us *usage) light(dir string, number int, wholes map[int]Manifest) (Manifest, error) {
	p, err := readFiles(dir, number)
	if err != nil {
		return nil, err
	}
	if p.base == 0 {
		wholes[number] = p.entries
		return p.entries, nil
	}
	whole, ok := wholes[p.base]
	if !ok {
		if whole, err = readManifest(dir, p.base); err != nil {
			return nil, err
		}
		wholes[p.base] = whole
	}
	return p.over(whole), nil
}

// add notes that a revision of an overlay has what m names.
func (us *usage) add(owners map[uint64]*owner, m Manifest, overlay, revision int32) {
	for _, e := range m {
		if e.Dir || e.Odd {
			continue
		}
		short := binary.LittleEndian.Uint64(e.Hash[:])
		if e.Exec {
			short++
		}
		o := owners[short]
		if o == nil {
			owners[short] = &owner{us.blocksOf(e, short), overlay, revision, nil}
			continue
		}
		if o.revision != revision {
			o.revision = several
		}
		switch {
		case o.overlay == overlay:
		case o.overlay != several:
			o.overlays = append(o.overlays, o.overlay, overlay)
			o.overlay = several
		case o.overlays[len(o.overlays)-1] != overlay: // they come one after the other
			o.overlays = append(o.overlays, overlay)
		}
	}
}

// blocksOf is what a content takes on the disk, which never changes.
func (us *usage) blocksOf(e Entry, short uint64) int64 {
	if n, ok := us.onDisk[short]; ok {
		return n
	}
	n := (e.Size + 4095) &^ 4095
	var st unix.Stat_t
	if unix.Lstat(us.pool.path(e.key()), &st) == nil {
		n = st.Blocks * 512
		us.onDisk[short] = n
	}
	return n
}

// weight is what a directory has.
type weight struct {
	files  int
	bytes  int64
	blocks int64
	at     unix.Timespec // when the directory itself changed last
}

// weigh counts all that is in a directory that was laid by hand; what it saw
// counts until the directory itself changes.
func (us *usage) weigh(ctx context.Context, dir string) (weight, error) {
	var st unix.Stat_t
	if err := unix.Lstat(dir, &st); err != nil {
		return weight{}, &fs.PathError{Op: "stat", Path: dir, Err: err}
	}
	us.weights.Lock()
	w, ok := us.weighed[dir]
	us.weights.Unlock()
	if ok && w.at == st.Mtim {
		return w, nil
	}
	w = weight{at: st.Mtim}
	seen := map[uint64]bool{}
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		var st unix.Stat_t
		if err := unix.Lstat(name, &st); err != nil {
			return err
		}
		w.files++
		w.bytes += st.Size
		if st.Nlink < 2 || !seen[st.Ino] {
			w.blocks += st.Blocks * 512
		}
		seen[st.Ino] = true
		return ctx.Err()
	})
	if err != nil {
		return w, err
	}
	us.weights.Lock()
	us.weighed[dir] = w
	us.weights.Unlock()
	return w, nil
}
