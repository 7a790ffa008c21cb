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

// usage computes the disk usage of overlays and revisions.
type usage struct {
	layout *layout
	pool   *pool

	cache      sync.Mutex // guards generation, counted and onDisk
	generation uint64     // number of changes
	counted    *uses
	onDisk     map[uint64]int64 // allocated bytes by the first 8 bytes of a content's hash

	weights sync.Mutex        // guards weighed
	weighed map[string]weight // revisions installed by hand, by directory
}

func newUsage(l *layout, p *pool) *usage {
	return &usage{layout: l, pool: p, onDisk: map[uint64]int64{}, weighed: map[string]weight{}}
}

// changed invalidates the cached result.
func (us *usage) changed() {
	us.cache.Lock()
	us.generation++
	us.cache.Unlock()
}

// uses contains disk usage in bytes by the directory of an overlay or revision.
type uses struct {
	generation uint64
	own        map[string]int64 // bytes that deleting the overlay would free
	all        map[string]int64 // bytes including shared ones; overlays only
}

// owner records the indexes of the overlay and the revision that contain a file, or several.
type owner struct {
	blocks            int64
	overlay, revision int32
	overlays          []int32 // set if overlay is several
}

const several = -1

// count returns the disk usage, from the cache if nothing has changed.
func (us *usage) count(ctx context.Context) (*uses, error) {
	us.cache.Lock()
	defer us.cache.Unlock()
	if us.counted != nil && us.counted.generation == us.generation {
		return us.counted, nil
	}
	u := &uses{generation: us.generation, own: map[string]int64{}, all: map[string]int64{}}
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
			m, err := us.readCached(dir, v.Number, wholes)
			if err != nil || v.Hand { // treat files installed by hand as not shared
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

// readCached reads a manifest and caches complete manifests in wholes.
func (us *usage) readCached(dir string, number int, wholes map[int]Manifest) (Manifest, error) {
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

// add records that a revision of an overlay contains the files of m.
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
		case o.overlays[len(o.overlays)-1] != overlay: // overlays are added in order
			o.overlays = append(o.overlays, overlay)
		}
	}
}

// blocksOf returns the allocated bytes of a content, which never change.
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

// weight is the size of a directory.
type weight struct {
	files  int
	bytes  int64
	blocks int64
	at     unix.Timespec // modification time of the directory itself
}

// weigh returns the size of a revision that was installed by hand. The result is cached until the
// modification time of its top directory changes.
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
