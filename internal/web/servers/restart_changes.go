package servers

import (
	"context"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/format"
	"github.com/left4me/left4me/internal/web/page"
)

// diffOfConfig is what a restart would change in the generated files.
type diffOfConfig struct {
	Files   []diffOfFile
	Changed bool
	Up      bool
	Problem string // why it could not be asked for
}

type diffOfFile struct {
	Path    string
	Changed bool
	Lines   []diffRow
	More    int // lines that are not shown
}

// diffRow is a line of a difference, or stands for a number of unchanged ones.
type diffRow struct {
	left4me.LineChange
	Skipped int
}

const (
	wholeDiff  = 1000 // lines of a file that is shown whole
	diffAround = 3    // unchanged lines that are shown around a change of a longer one
	mostDiff   = 4000 // rows that are shown of any file
)

// fold is what a page shows of a difference. Of a long file it leaves out what did
// not change; what is longer still is cut.
func fold(lines []left4me.LineChange) (rows []diffRow, more int) {
	shown := make([]bool, len(lines))
	for i, l := range lines {
		if l.Was != l.Is || len(lines) <= wholeDiff {
			for k := max(0, i-diffAround); k < min(len(lines), i+diffAround+1); k++ {
				shown[k] = true
			}
		}
	}
	for i, l := range lines {
		switch last := len(rows) - 1; {
		case !shown[i] && last >= 0 && rows[last].Skipped > 0:
			rows[last].Skipped++
		case len(rows) == mostDiff:
			return rows, len(lines) - i
		case !shown[i]:
			rows = append(rows, diffRow{Skipped: 1})
		default:
			rows = append(rows, diffRow{LineChange: l})
		}
	}
	return rows, 0
}

// diffOf asks what a restart would change. A host that doesn't answer is only said.
func (p *Pages) diffOf(ctx context.Context, s serverPage) diffOfConfig {
	d := diffOfConfig{Up: s.Status.State.Up()}
	files, err := p.Servers.Files().ConfigDiff(ctx, s.Name)
	if err != nil {
		d.Problem = "It can't be said now: the host does not answer."
		if e, ok := page.Public(s.who, err); ok && e.Kind != left4me.Unavailable {
			d.Problem = format.Sentence(format.Visible(format.ErrorLine(ctx, e)))
		}
		return d
	}
	for _, f := range files {
		lines, err := left4me.DiffLines(ctx, f.Running, f.Next)
		if err != nil { // nobody waits for the page any more
			return diffOfConfig{Problem: "The comparison was interrupted."}
		}
		one := diffOfFile{Path: f.Path, Changed: f.Running != f.Next}
		one.Lines, one.More = fold(lines)
		d.Changed = d.Changed || one.Changed
		d.Files = append(d.Files, one)
	}
	return d
}
