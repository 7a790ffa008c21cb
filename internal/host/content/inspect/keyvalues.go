package inspect

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/left4me/left4me/internal/gametext"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/source/addon"
	"github.com/left4me/left4me/source/vdf"
	"github.com/left4me/left4me/source/vpk"
)

// mission records a mission and warns about problems in it.
func (v *view) mission(m mission) {
	f := found{where: m.Path, what: "the mission", kind: "mission", fix: m.fix}
	if m.pack != nil {
		f = found{where: m.pack.path, what: "the mission " + m.Path + " in it", kind: "mission"}
	}
	v.problems(f, m.Problems, "the game reads on, and gets something else than was meant: chapters behind that may be missing")
	var at *vdf.Error
	switch {
	case m.Err == nil:
	case errors.Is(m.Err, addon.ErrTooMany):
		v.warn.add(left4me.WarnSyntax, f.where, fmt.Sprintf("%s has more modes or chapters than any campaign: %v", f.what, m.Err), "")
	case errors.Is(m.Err, addon.ErrNoMission):
		if len(m.Problems) == 0 { // otherwise the problems explain it
			v.warn.add(left4me.WarnSyntax, f.where, f.what+" has no mission in it", "")
		}
	case errors.As(m.Err, &at):
		v.warn.add(left4me.WarnSyntax, f.where, fmt.Sprintf("%s is too large: %s", f.what, at.Text), "")
	default:
		v.warn.add(left4me.WarnBroken, f.where, f.what+" can't be read", "")
	}
	for _, name := range m.Hidden {
		if v.hidden == nil {
			v.hidden = map[string]bool{}
		}
		v.hidden[name] = true
	}
	if len(m.Modes) > 0 {
		v.missions = append(v.missions, m)
	}
}

// info warns about problems in addoninfo.txt, such as another game.
func (v *view) info(name string, a *vpk.Archive) {
	info, problems, err := addon.ReadInfo(a, v.decoder)
	if errors.Is(err, fs.ErrNotExist) {
		return // servers don't need it
	}
	if info.App != 0 && info.App != addon.Left4Dead2 && info.App != addon.Left4Dead {
		v.warn.add(left4me.WarnOtherGame, name, fmt.Sprintf("it says that it is for another game: app %d", info.App),
			fmt.Sprintf("add-ons for this game say %d", addon.Left4Dead2))
	}
	f := found{where: name, what: "addoninfo.txt in it", kind: "addoninfo.txt"}
	v.problems(f, problems, "")
	var at *vdf.Error
	if errors.As(err, &at) {
		v.warn.add(left4me.WarnSyntax, name, fmt.Sprintf("%s is too large: %s", f.what, at.Text), "")
	}
}

// found describes a KeyValues file in warnings.
type found struct {
	where string // path in the warning
	what  string // the file, as the subject of a sentence
	kind  string // kind of file
	fix   bool   // a text repair can fix its encoding
}

// repairable reports whether a text repair makes a file readable for the game.
func repairable(name string, problems []vdf.Problem, b []byte) bool {
	return len(problems) > 0 && problems[0].Kind == vdf.Encoding &&
		slices.ContainsFunc(gametext.Check(gametext.ReaderOf(name), b), func(f gametext.Finding) bool { return f.Fix == gametext.Encoding })
}

// problems warns about problems in a file, once for each cause. Later problems are often
// consequences of the first, so only their lines are listed.
func (v *view) problems(f found, all []vdf.Problem, hint string) {
	groups := map[string][]vdf.Problem{}
	for _, p := range all {
		groups[causeOf(p.Kind)] = append(groups[causeOf(p.Kind)], p)
	}
	for _, group := range []string{encoded, broken, cut, left, brackets} {
		ps := groups[group]
		if len(ps) == 0 {
			continue
		}
		first := fmt.Sprintf("line %d: %s", ps[0].Line, strings.ToValidUTF8(ps[0].Text, "\ufffd")) + more(ps[1:])
		switch group {
		case encoded:
			v.warn.fixable(left4me.WarnText, f.where,
				fmt.Sprintf("%s %s. The game cannot read this %s. Save it as UTF-8 without a byte order mark.", f.what,
					strings.TrimPrefix(ps[0].Text, "it "), f.kind), "", f.fix)
			if v.encodingWarned == nil {
				v.encodingWarned = map[string]bool{}
			}
			v.encodingWarned[f.where] = true
		case broken:
			v.warn.add(left4me.WarnSyntax, f.where, fmt.Sprintf("%s is broken: %s", f.what, first), hint)
		case cut:
			v.warn.add(left4me.WarnSyntax, f.where, fmt.Sprintf("%s has a text that is too long: %s", f.what, first),
				"make it shorter: most characters besides those of English take two or three bytes")
		case brackets:
			v.warn.add(left4me.WarnSyntax, f.where, fmt.Sprintf("%s has a text in brackets: %s", f.what, first), "")
		case left:
			v.warn.add(left4me.WarnSyntax, f.where, fmt.Sprintf("%s has a condition: %s", f.what, first),
				"the only condition that holds on every server is [$WIN32]")
		}
	}
}

// Causes of problems, which are grouped in one warning each.
const (
	encoded  = "encoding"
	broken   = "syntax"
	cut      = "length"
	left     = "condition"
	brackets = "brackets"
)

func causeOf(kind vdf.ProblemKind) string {
	switch kind {
	case vdf.Encoding:
		return encoded
	case vdf.Cut:
		return cut
	case vdf.Condition:
		return left
	case vdf.Bracket:
		return brackets
	}
	return broken
}

// more lists the lines of further problems.
func more(ps []vdf.Problem) string {
	var lines []string
	for _, p := range ps {
		if n := fmt.Sprint(p.Line); !slices.Contains(lines, n) {
			lines = append(lines, n)
		}
	}
	switch len(lines) {
	case 0:
		return ""
	case 1:
		return " (see also line " + lines[0] + ")"
	}
	return " (see also the lines " + some(lines) + ")"
}

// checkKeyValues accepts a text that is valid with or without escape sequences.
func checkKeyValues(text string) (int, string) {
	line, problem := plainKeyValues(text, false)
	if problem != "" && strings.Contains(text, `\`) {
		if _, p := plainKeyValues(text, true); p == "" {
			return 0, ""
		}
	}
	return line, problem
}

func plainKeyValues(text string, escapes bool) (int, string) {
	_, problems := vdf.ParseGame([]byte(text), vdf.Options{Escapes: escapes})
	for _, p := range problems {
		if p.Kind != vdf.LineBreak && p.Kind != vdf.Limit && p.Kind != vdf.Condition {
			return p.Line, p.Text
		}
	}
	return 0, ""
}
