package archive

import (
	"slices"
	"strings"

	"github.com/left4me/left4me/internal/host/content/place"
	"github.com/left4me/left4me/internal/left4me"
)

// Bounds on lists in a plan. The counts next to them are complete.
const (
	maxNamed = 20 // files listed per reason or question
)

// leave adds an excluded file to the plan, grouped by reason.
func (f *Found) leave(p string, why left4me.Note) {
	why = general(why)
	i := slices.IndexFunc(f.plan.Left, func(l left4me.PlanLeft) bool { return l.Reason.Same(why) })
	if i < 0 {
		i = len(f.plan.Left)
		f.plan.Left = append(f.plan.Left, left4me.PlanLeft{Why: why.Text, Reason: why})
	}
	l := &f.plan.Left[i]
	if l.Count++; len(l.Files) < maxNamed {
		l.Files = append(l.Files, p)
	}
}

// general returns a reason that names another file without its name.
func general(why left4me.Note) left4me.Note {
	switch why.Code {
	case "placement.taken":
		return left4me.NewNote("placement.any_taken")
	case "placement.taken_by_preferred":
		return left4me.NewNote("placement.any_taken_by_preferred")
	case "placement.duplicate":
		return left4me.NewNote("placement.any_duplicate")
	case "placement.directory_taken":
		return left4me.NewNote("placement.any_directory_taken")
	}
	return why
}

// questions adds the questions of a placing to the plan.
func (f *Found) questions(files []place.File, p place.Placing) {
	top := place.Top(files)
	for _, a := range p.Asks {
		q := left4me.PlanAsk{Text: a.Question.Text, Question: a.Question, Count: len(a.Files)}
		for _, i := range a.Files[:min(len(a.Files), maxNamed)] {
			rest, _ := beneath(top, files[i].Path)
			q.Files = append(q.Files, rest)
		}
		for _, c := range a.Choices {
			q.Choices = append(q.Choices, left4me.PlanChoice{Text: c.Label.Text, Label: c.Label, Moves: c.Moves})
		}
		f.plan.Asked += len(a.Files)
		f.plan.Asks = append(f.plan.Asks, q)
	}
}

// branch is a folder of the upload in the plan.
type branch struct {
	dir   left4me.PlanDir
	same  bool // all content moves to one place for one reason under unchanged names
	kids  []*branch
	files []left4me.PlanDir
}

// outline summarises the plan by folders of the upload. A folder is a single row if all of its
// content goes the same way.
func (f *Found) outline(all []at, files []place.File, p place.Placing) {
	top := place.Top(files)
	root := &branch{}
	byPath := map[string]*branch{"": root, ".": root}
	var at func(dir string) *branch
	at = func(dir string) *branch {
		if b := byPath[dir]; b != nil {
			return b
		}
		parent := at(dirOf(dir))
		b := &branch{dir: left4me.PlanDir{From: dir, Dir: true}}
		byPath[dir] = b
		parent.kids = append(parent.kids, b)
		return b
	}
	for i := range files {
		if files[i].Dir {
			continue
		}
		rest, _ := beneath(top, files[i].Path)
		r := p.Files[i]
		b := at(dirOf(rest))
		b.files = append(b.files, left4me.PlanDir{
			From: rest, To: r.To, Why: r.Why.Text, Reason: r.Why, Count: 1, Bytes: max(0, all[i].it().size), Asked: r.Asked > 0,
		})
	}
	out := root.flatten(nil)
	f.plan.Dirs = shallowest(out, left4me.MaxPlanFiles)
	f.plan.MoreDirs = len(out) - len(f.plan.Dirs)
	f.common(files, p)
}

// sum totals a folder and determines whether one row can represent it.
func (b *branch) sum() {
	b.same = true
	first := true
	add := func(d left4me.PlanDir, to string, same bool) {
		b.dir.Count += d.Count
		b.dir.Bytes += d.Bytes
		b.dir.Asked = b.dir.Asked || d.Asked
		if first {
			b.dir.To, b.dir.Why, b.dir.Reason, first = to, d.Why, d.Reason, false
		}
		if !same || d.Asked || to != b.dir.To || d.Why != b.dir.Why {
			b.same = false
		}
	}
	for _, f := range b.files {
		to, same := f.To, true
		if to != "" {
			to, same = dirOf(f.To), baseOf(f.To) == baseOf(f.From)
		}
		add(f, to, same)
	}
	for _, k := range b.kids {
		k.sum()
		to, same := k.dir.To, k.same
		if to != "" {
			to = dirOf(to)
			same = same && baseOf(k.dir.To) == baseOf(k.dir.From)
		}
		add(k.dir, to, same)
	}
	if !b.same {
		b.dir.To, b.dir.Why, b.dir.Reason = "", "", left4me.Note{}
	}
}

// flatten appends the rows of folders and files in tree order.
func (b *branch) flatten(out []left4me.PlanDir) []left4me.PlanDir {
	if b.dir.From == "" {
		b.sum()
	}
	slices.SortFunc(b.kids, func(x, y *branch) int { return strings.Compare(x.dir.From, y.dir.From) })
	slices.SortFunc(b.files, func(x, y left4me.PlanDir) int { return strings.Compare(x.From, y.From) })
	for _, k := range b.kids {
		out = append(out, k.dir)
		if !k.same {
			out = k.flatten(out)
		}
	}
	return append(out, b.files...)
}

// shallowest returns n rows of a tree in their original order and prefers shallow rows to deep
// ones. Otherwise a folder with thousands of files would hide the folders next to it.
func shallowest(rows []left4me.PlanDir, n int) []left4me.PlanDir {
	if len(rows) <= n {
		return rows
	}
	depth := func(d left4me.PlanDir) int { return strings.Count(d.From, "/") }
	at := make([]int, len(rows))
	for i := range at {
		at[i] = i
	}
	slices.SortStableFunc(at, func(x, y int) int { return depth(rows[x]) - depth(rows[y]) })
	at = at[:n]
	slices.Sort(at)
	kept := make([]left4me.PlanDir, n)
	for i, j := range at {
		kept[i] = rows[j]
	}
	return kept
}

// common sets the directory in the layer that all files share and the prefix that is stripped from
// all of their names.
func (f *Found) common(files []place.File, p place.Placing) {
	root, strip, first, one := "", "", true, true
	for i, r := range p.Files {
		if files[i].Dir || r.To == "" {
			continue
		}
		dir := dirOf(r.To)
		from := files[i].Path
		// The common suffix is the part of the path that is kept.
		a, b := from, r.To
		for baseOf(a) == baseOf(b) && a != "." && b != "." {
			a, b = dirOf(a), dirOf(b)
		}
		if a == "." {
			a = ""
		}
		if first {
			root, strip, first = dir, a, false
			continue
		}
		for root != "." && root != dir && !strings.HasPrefix(dir, root+"/") {
			root = dirOf(root)
		}
		one = one && strip == a
	}
	if root == "." {
		root = ""
	}
	if f.plan.Root = root; one {
		f.plan.Strip = strip
	}
}
