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
	segment = 1 << 20   // what one worker takes at a time
	block   = 256 << 10 // what it reads at a time, so that it stays in the processor's cache
)

// Problem is something that Verify found.
type Problem struct {
	Entry string // its path; empty when it isn't about one entry
	Err   error  // *Error
}

// MaxProblems is how many problems Verify returns: each entry may have one, and a file that was cut has thousands.
const MaxProblems = 10_000

// Verify reads the whole archive with all processors and compares every checksum in it: the CRC-32 of each entry and, in
// version 2, the MD5 of the tree, of pieces of the files and of the whole file, where there are any. What is wrong comes
// back in the order of the tree, at most MaxProblems; progress is told how many bytes were read since it was told last,
// by several goroutines at once, and may be nil. The error is of ctx alone.
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
		_, _, _ = a.rest(&a.entries[i]) // opens what there is
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

// verifier is one run of Verify.
type verifier struct {
	a        *Archive
	ctx      context.Context
	progress func(int64)
	pieces   []piece
	md5      []md5Job

	mu       sync.Mutex
	problems map[int]error // by entry
	others   []Problem
}

// piece is a part of an entry, at most a segment long.
type piece struct {
	entry    int
	from, to int64
	sum      uint32
}

// plan cuts entries into pieces, in the order in which the files have them.
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

// run has all processors do what is left until work says that nothing is.
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
				v.problem(p.entry, v.a.unread(e, at, err))
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

// unread says where an entry could not be read.
func (a *Archive) unread(e *Entry, at int64, err error) error {
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

// problem keeps the first one of each entry.
func (v *verifier) problem(entry int, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.problems[entry] == nil && (len(v.problems) < MaxProblems) {
		v.problems[entry] = err
	}
}

// compare joins the sums of the pieces of each entry, which lie in the order of the file, not of the entry.
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

// Overlaps finds entries that share a part of their data but not all of it: nobody packs like that, and it can make an
// archive grow without bound when it is extracted. At most MaxProblems.
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
	var last *Entry // the one that reaches furthest
	for _, e := range order {
		switch {
		case last == nil || last.index != e.index || last.offset+last.Size-last.head <= e.offset:
			last = e
		case last.offset == e.offset && last.Size-last.head == e.Size-e.head: // the same data for both
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
