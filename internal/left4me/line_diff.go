package left4me

import (
	"context"
	"slices"
	"sort"
	"strings"
)

// LineChange is a line of two texts that are compared.
type LineChange struct {
	Was, Is bool // in the old text, in the new one; most are in both
	Text    string
}

// maxDiffCells bounds the part of DiffLines whose work grows with the product of
// two lengths: pairs of lines, in all parts of a text together.
const maxDiffCells = 2000 * 2000

// checkEvery is how many lines are handled between two looks at the context.
const checkEvery = 4096

// DiffLines compares two texts line by line: what is in both, in order, and
// between that what went and what came. The difference of short texts is the
// shortest one. Long texts are split at the lines that each of them has once; a
// part that is still too long is shown whole, the old one and then the new one.
// Time and memory grow with the length of the texts, not with its square. Errors:
// that of ctx.
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

// differ is one comparison at work. After its context has ended it does nothing
// more.
type differ struct {
	ctx   context.Context
	err   error
	ids   map[string]int32 // equal lines have one number
	cells int              // how many pairs of lines may still be compared
	out   []LineChange
}

// side is a part of one text: its lines, and their numbers.
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

// compare puts the difference of two parts to the result.
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

// trim tells the lines with which both begin, and returns what remains and the
// lines with which both end.
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

// split compares the parts between the lines that both have once.
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

// anchors are the places of the most lines that both texts have exactly once, in
// the same order in both.
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

// increasing is the longest run of pairs, in their order, whose second numbers
// increase too.
func increasing(pairs [][2]int) [][2]int {
	var ends []int // the pair with the least second number that ends a run of each length
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

// short tells the shortest difference, if the parts are short enough for it.
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

// longestCommon says for each pair of ends how many lines these have in common, in
// order: at most 2000, as the shorter one has no more.
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
