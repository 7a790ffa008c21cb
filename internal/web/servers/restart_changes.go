package servers

import (
	"context"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/locale"
	"github.com/left4me/left4me/internal/web/format"
	"github.com/left4me/left4me/internal/web/page"
)

// diffOfConfig contains the changes that a restart would make to the generated files.
type diffOfConfig struct {
	Files   []diffOfFile
	Changed bool
	Up      bool
	Problem string // why the changes are unknown
}

type diffOfFile struct {
	Path    string
	Changed bool
	Lines   []diffRow
	More    int // number of lines that are not shown
}

// diffRow is a line of a diff, or a placeholder for Skipped unchanged lines.
type diffRow struct {
	left4me.LineChange
	Skipped int
}

const (
	wholeDiff  = 1000 // lines; files up to this length are shown in full
	diffAround = 3    // unchanged lines shown before and after each change in a longer file
	mostDiff   = 4000 // rows shown per file
)

// fold returns the rows to show of a diff, and the number of lines cut off at its end. It
// replaces unchanged lines of long files by placeholders.
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

// diffOf returns the changes that a restart would make. If the host does not respond, the result
// has a Problem.
func (p *Pages) diffOf(ctx context.Context, s serverPage) diffOfConfig {
	d := diffOfConfig{Up: s.Status.State.Up()}
	files, err := p.Servers.Files().ConfigDiff(ctx, s.Name)
	if err != nil {
		d.Problem = locale.T(ctx, "servers.restart_changes.unavailable")
		if e, ok := page.Public(s.who, err); ok && e.Kind != left4me.Unavailable {
			d.Problem = format.Sentence(format.Visible(format.ErrorLine(ctx, e)))
		}
		return d
	}
	for _, f := range files {
		lines, err := left4me.DiffLines(ctx, f.Running, f.Next)
		if err != nil { // the request was cancelled
			return diffOfConfig{Problem: locale.T(ctx, "servers.restart_changes.interrupted")}
		}
		one := diffOfFile{Path: f.Path, Changed: f.Running != f.Next}
		one.Lines, one.More = fold(lines)
		d.Changed = d.Changed || one.Changed
		d.Files = append(d.Files, one)
	}
	return d
}
