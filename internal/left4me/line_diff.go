package left4me

import (
	"context"
	"slices"
	"sort"
	"strings"
)

// LineChange is a line in the comparison of two texts.
type LineChange struct {
	Was, Is bool // present in the old text, in the new text; unchanged lines are in both
	Text    string
}

// maxDiffCells bounds the quadratic part of DiffLines: the number of pairs of lines that it
// compares in all parts of a text together.
const maxDiffCells = 2000 * 2000

// checkEvery is the number of lines between two checks of the context.
const checkEvery = 4096

// DiffLines compares two texts line by line. It returns the common lines in order, with the removed
// and added lines between them. For short texts the difference is minimal. Long texts are split at
// the lines that occur exactly once in each of them; a part that is still too long is returned as
// removed and then added in full. Time and memory are linear in the length of the texts. The only
// error is that of ctx.
func DiffLines(ctx context.Context, was, is string) ([]LineChange, error) {
	d := differ{ctx: ctx, cells: maxDiffCells}
	a, b := splitLines(was), splitLines(is)
	d.number(a, b)
	d.out = make([]LineChange, 0, max(len(a), len(b)))
	x, y := d.sides(a, b)
	d.compare(x, y)
	if d.err != nil {
		return nil, d.err
	}
	return d.out, nil
}

// differ is the state of one comparison. Its methods do nothing once its context has ended.
type differ struct {
	ctx   context.Context
	err   error
	ids   map[string]int32 // equal lines have the same number
	cells int              // remaining pairs of lines that may be compared
	out   []LineChange
}

// side is a part of one text: its lines and their numbers.
type side struct {
	lines []string
	ids   []int32
}

func (s side) len() int              { return len(s.ids) }
func (s side) cut(from, to int) side { return side{s.lines[from:to], s.ids[from:to]} }

func (d *differ) ended() bool {
	if d.err == nil {
		d.err = d.ctx.Err()
	}
	return d.err != nil
}

func (d *differ) number(texts ...[]string) {
	d.ids = map[string]int32{}
	for _, lines := range texts {
		for i, l := range lines {
			if i%checkEvery == 0 && d.ended() {
				return
			}
			if _, ok := d.ids[l]; !ok {
				d.ids[l] = int32(len(d.ids))
			}
		}
	}
}

func (d *differ) sides(a, b []string) (x, y side) {
	of := func(lines []string) side {
		s := side{lines, make([]int32, len(lines))}
		for i, l := range lines {
			s.ids[i] = d.ids[l]
		}
		return s
	}
	return of(a), of(b)
}

func (d *differ) both(s side) { d.tell(s, LineChange{Was: true, Is: true}) }
func (d *differ) went(s side) { d.tell(s, LineChange{Was: true}) }
func (d *differ) came(s side) { d.tell(s, LineChange{Is: true}) }

func (d *differ) tell(s side, l LineChange) {
	for _, l.Text = range s.lines {
		d.out = append(d.out, l)
	}
}

// compare appends the difference between two parts to the result.
func (d *differ) compare(a, b side) {
	if d.ended() {
		return
	}
	a, b, tail := d.trim(a, b)
	if !d.short(a, b) {
		d.split(a, b)
	}
	d.both(tail)
}

// trim appends the common first lines to the result, and returns the remaining parts and the common
// last lines.
func (d *differ) trim(a, b side) (x, y, tail side) {
	n := 0
	for n < a.len() && n < b.len() && a.ids[n] == b.ids[n] {
		n++
	}
	d.both(a.cut(0, n))
	a, b = a.cut(n, a.len()), b.cut(n, b.len())
	n = 0
	for n < a.len() && n < b.len() && a.ids[a.len()-1-n] == b.ids[b.len()-1-n] {
		n++
	}
	return a.cut(0, a.len()-n), b.cut(0, b.len()-n), a.cut(a.len()-n, a.len())
}

// split compares the parts between the lines that occur once in both.
func (d *differ) split(a, b side) {
	i, j := 0, 0
	for _, p := range append(anchors(a, b), [2]int{a.len(), b.len()}) {
		if d.ended() {
			return
		}
		x, y, tail := d.trim(a.cut(i, p[0]), b.cut(j, p[1]))
		if !d.short(x, y) {
			d.went(x)
			d.came(y)
		}
		d.both(tail)
		if i, j = p[0], p[1]; i < a.len() {
			d.both(a.cut(i, i+1))
			i, j = i+1, j+1
		}
	}
}

// anchors returns the positions of lines that both texts contain exactly once: the longest list
// that is in the same order in both texts.
func anchors(a, b side) [][2]int {
	type seen struct{ inA, inB, a, b int }
	lines := make(map[int32]seen, a.len())
	for i, id := range a.ids {
		s := lines[id]
		s.inA, s.a = s.inA+1, i
		lines[id] = s
	}
	for j, id := range b.ids {
		if s, ok := lines[id]; ok {
			s.inB, s.b = s.inB+1, j
			lines[id] = s
		}
	}
	var pairs [][2]int // in the order of a
	for _, id := range a.ids {
		if s := lines[id]; s.inA == 1 && s.inB == 1 {
			pairs = append(pairs, [2]int{s.a, s.b})
		}
	}
	return increasing(pairs)
}

// increasing returns the longest subsequence of pairs whose second numbers increase.
func increasing(pairs [][2]int) [][2]int {
	var ends []int // for each length of a run, the index of the pair with the smallest second number that ends such a run
	before := make([]int, len(pairs))
	for i, p := range pairs {
		n := sort.Search(len(ends), func(k int) bool { return pairs[ends[k]][1] >= p[1] })
		if n == len(ends) {
			ends = append(ends, i)
		}
		ends[n], before[i] = i, -1
		if n > 0 {
			before[i] = ends[n-1]
		}
	}
	if len(ends) == 0 {
		return nil
	}
	run := make([][2]int, 0, len(ends)+1)
	for i := ends[len(ends)-1]; i >= 0; i = before[i] {
		run = append(run, pairs[i])
	}
	slices.Reverse(run)
	return run
}

// short appends the shortest difference, if the parts are short enough to compute it.
func (d *differ) short(a, b side) bool {
	cells := a.len() * b.len()
	if cells > d.cells {
		return false
	}
	d.cells -= cells
	if cells == 0 {
		d.went(a)
		d.came(b)
		return true
	}
	common := d.longestCommon(a.ids, b.ids)
	if d.err != nil {
		return true
	}
	i, j := 0, 0
	for i < a.len() || j < b.len() {
		switch {
		case i < a.len() && j < b.len() && a.ids[i] == b.ids[j]:
			d.both(a.cut(i, i+1))
			i, j = i+1, j+1
		case j == b.len() || i < a.len() && common[i+1][j] >= common[i][j+1]:
			d.went(a.cut(i, i+1))
			i++
		default:
			d.came(b.cut(j, j+1))
			j++
		}
	}
	return true
}

// longestCommon returns, for each pair of suffixes of a and b, the length of their longest common
// subsequence. It is at most 2000, because the shorter part has no more lines.
func (d *differ) longestCommon(a, b []int32) [][]uint16 {
	rows := make([][]uint16, len(a)+1)
	cells := make([]uint16, (len(a)+1)*(len(b)+1))
	for i := range rows {
		rows[i], cells = cells[:len(b)+1], cells[len(b)+1:]
	}
	for i := len(a) - 1; i >= 0 && !d.ended(); i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				rows[i][j] = rows[i+1][j+1] + 1
			} else {
				rows[i][j] = max(rows[i+1][j], rows[i][j+1])
			}
		}
	}
	return rows
}

func splitLines(s string) []string {
	if s = strings.TrimSuffix(s, "\n"); s == "" {
		return nil
	}
	return strings.Split(s, "\n")
}
