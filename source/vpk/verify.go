package vpk

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

const (
	segment = 1 << 20   // bytes that a worker processes at a time
	block   = 256 << 10 // bytes per read, small enough for the processor's cache
)

// Problem is a problem found by Verify.
type Problem struct {
	Entry string // path of the affected entry; empty if there is none
	Err   error  // *Error
}

// MaxProblems is the maximum number of problems that Verify returns. Each entry may have one, and a
// truncated file has thousands.
const MaxProblems = 10_000

// Verify reads the whole archive on all processors and verifies every checksum: the CRC-32 of each
// entry and, in version 2, the MD5 sums, if present, of the tree, of pieces of the files and of the
// whole file. It returns at most MaxProblems problems, sorted by entry. It calls progress, which may be
// nil, with the number of bytes read since the last call; several goroutines may call it at the same
// time. The error is that of ctx.
func (a *Archive) Verify(ctx context.Context, progress func(bytes int64)) ([]Problem, error) {
	if progress == nil {
		progress = func(int64) {}
	}
	v := &verifier{a: a, ctx: ctx, progress: progress, problems: map[int]error{}}
	for _, err := range a.Overlaps() {
		v.others = append(v.others, Problem{err.Entry, err})
	}
	var total int64
	for i := range a.entries {
		_, _, _ = a.dataFile(&a.entries[i]) // open the part that contains it
		total += a.entries[i].Size
	}
	if err := a.grows(total); err != nil {
		return append(v.others, Problem{Err: err}), ctx.Err()
	}
	v.plan()
	v.run(v.sums)
	v.compare()
	if a.Version == 2 {
		v.planMD5()
		v.run(v.md5s)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return v.result(), nil
}

// verifier holds the state of one Verify call.
type verifier struct {
	a        *Archive
	ctx      context.Context
	progress func(int64)
	pieces   []piece
	md5      []md5Job

	mu       sync.Mutex
	problems map[int]error // problems by index of the entry
	others   []Problem
}

// piece is a part of an entry, at most one segment long.
type piece struct {
	entry    int
	from, to int64
	sum      uint32
}

// plan splits the entries into pieces, in the order of their data in the files.
func (v *verifier) plan() {
	entries := v.a.entries
	for i := range entries {
		for from := int64(0); from < entries[i].Size || from == 0; from += segment {
			v.pieces = append(v.pieces, piece{entry: i, from: from, to: min(entries[i].Size, from+segment)})
		}
	}
	order := func(a, b piece) int {
		x, y := &entries[a.entry], &entries[b.entry]
		return cmp.Or(cmp.Compare(x.index, y.index), cmp.Compare(x.offset+a.from, y.offset+b.from), cmp.Compare(a.entry, b.entry))
	}
	if !slices.IsSortedFunc(v.pieces, order) {
		slices.SortFunc(v.pieces, order)
	}
}

// run calls work on all processors. Each call of next returns the next index; work returns when the
// index is out of range.
func (v *verifier) run(work func(next func() int)) {
	var wg sync.WaitGroup
	var at atomic.Int64
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() { work(func() int { return int(at.Add(1)) - 1 }) })
	}
	wg.Wait()
}

func (v *verifier) sums(next func() int) {
	b := make([]byte, block)
	var read int64
	for i := next(); i < len(v.pieces) && v.ctx.Err() == nil; i = next() {
		p := &v.pieces[i]
		e := &v.a.entries[p.entry]
		for at := p.from; at < p.to && v.ctx.Err() == nil; {
			part := b[:min(block, p.to-at)]
			if _, err := v.a.readAt(e, part, at); err != nil {
				v.problem(p.entry, v.a.readError(e, at, err))
				break
			}
			p.sum = crc32.Update(p.sum, crc32.IEEETable, part)
			at += int64(len(part))
			if read += int64(len(part)); read >= segment {
				v.progress(read)
				read = 0
			}
		}
	}
	v.progress(read)
}

// readError returns an error with the position at which an entry could not be read.
func (a *Archive) readError(e *Entry, at int64, err error) error {
	var known *Error
	if errors.As(err, &known) {
		return err
	}
	offset, file := e.preload+at, a.name
	if at >= e.head {
		offset = e.offset + at - e.head
		if e.index != inThisFile {
			file = a.partName(e.index)
		}
	}
	return &Error{File: file, Offset: offset, Entry: e.Path, Text: "read", Err: err}
}

// problem records the first problem of each entry.
func (v *verifier) problem(entry int, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.problems[entry] == nil && (len(v.problems) < MaxProblems) {
		v.problems[entry] = err
	}
}

// compare combines the checksums of the pieces of each entry. The pieces are sorted by position in the
// file, so it sorts them by entry first.
func (v *verifier) compare() {
	slices.SortFunc(v.pieces, func(a, b piece) int { return cmp.Or(cmp.Compare(a.entry, b.entry), cmp.Compare(a.from, b.from)) })
	for i := 0; i < len(v.pieces); {
		n, sum := v.pieces[i].entry, uint32(0)
		for ; i < len(v.pieces) && v.pieces[i].entry == n; i++ {
			sum = joinCRC(sum, v.pieces[i].sum, v.pieces[i].to-v.pieces[i].from)
		}
		if e := &v.a.entries[n]; sum != e.CRC {
			v.problem(n, &Error{
				File: v.a.name, Offset: e.place, Entry: e.Path, Err: ErrSum,
				Text: fmt.Sprintf("CRC-32 is %08x, the tree says %08x", sum, e.CRC),
			})
		}
	}
}

func (v *verifier) result() []Problem {
	all := v.others
	for n, err := range v.problems {
		all = append(all, Problem{v.a.entries[n].Path, err})
	}
	place := func(p Problem) int64 {
		var at *Error
		errors.As(p.Err, &at)
		return at.Offset
	}
	slices.SortFunc(all, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Entry, b.Entry), cmp.Compare(place(a), place(b)))
	})
	return all[:min(len(all), MaxProblems)]
}

// Overlaps returns entries that share a part of their data, but not all of it, at most MaxProblems. No
// tool creates such archives, and extracting one could expand it without bound.
func (a *Archive) Overlaps() []*Error {
	var order []*Entry
	for i := range a.entries {
		if e := &a.entries[i]; e.Size > e.head {
			order = append(order, e)
		}
	}
	byPlace := func(x, y *Entry) int {
		return cmp.Or(cmp.Compare(x.index, y.index), cmp.Compare(x.offset, y.offset), cmp.Compare(y.Size-y.head, x.Size-x.head))
	}
	if !slices.IsSortedFunc(order, byPlace) {
		slices.SortStableFunc(order, byPlace)
	}
	var found []*Error
	var last *Entry // entry that extends furthest
	for _, e := range order {
		switch {
		case last == nil || last.index != e.index || last.offset+last.Size-last.head <= e.offset:
			last = e
		case last.offset == e.offset && last.Size-last.head == e.Size-e.head: // two entries with the same data
		case len(found) < MaxProblems:
			found = append(found, &Error{
				File: a.name, Offset: e.place, Entry: e.Path, Err: ErrOverlap,
				Text: fmt.Sprintf("some of its bytes at %d are those of %.100q", e.offset, last.Path),
			})
			if e.offset+e.Size-e.head > last.offset+last.Size-last.head {
				last = e
			}
		}
	}
	return found
}
