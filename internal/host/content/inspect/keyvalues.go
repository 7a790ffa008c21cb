package inspect

import (
	"errors"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"github.com/left4me/left4me/internal/gametext"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/source/addon"
	"github.com/left4me/left4me/source/vdf"
	"github.com/left4me/left4me/source/vpk"
)

// mission records a mission and warns about problems in it.
func (v *view) mission(m mission) {
	f := found{where: m.Path, mission: true, fix: m.fix}
	if m.pack != nil {
		f = found{where: m.pack.path, packed: optional(left4me.Clip(m.Path, maxListed)), mission: true}
	}
	v.problems(f, m.Problems)
	var at *vdf.Error
	switch {
	case m.Err == nil:
	case errors.Is(m.Err, addon.ErrTooMany):
		v.warn.add(left4me.NewWarning(left4me.WarnSyntax, f.where, "mission.too_many_modes", "file", f.packed, "reason", m.Err))
	case errors.Is(m.Err, addon.ErrNoMission):
		if len(m.Problems) == 0 { // otherwise the problems explain it
			v.warn.add(left4me.NewWarning(left4me.WarnSyntax, f.where, "mission.missing", "file", f.packed))
		}
	case errors.As(m.Err, &at):
		v.warn.add(left4me.NewWarning(left4me.WarnSyntax, f.where, "keyvalues.too_large", "file", f.packed, "reason", at.Text))
	default:
		v.warn.add(left4me.NewWarning(left4me.WarnBroken, f.where, "mission.unreadable", "file", f.packed))
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
		v.warn.add(left4me.NewWarning(left4me.WarnOtherGame, name, "addoninfo.other_game", "app", info.App, "expected", addon.Left4Dead2))
	}
	f := found{where: name, packed: "addoninfo.txt"}
	v.problems(f, problems)
	var at *vdf.Error
	if errors.As(err, &at) {
		v.warn.add(left4me.NewWarning(left4me.WarnSyntax, name, "keyvalues.too_large", "file", f.packed, "reason", at.Text))
	}
}

// found describes a KeyValues file in warnings.
type found struct {
	where   string // path in the warning
	packed  any    // path in the add-on; nil for a loose file
	mission bool   // a mission, whose campaign may lack chapters
	fix     bool   // a text repair can fix its encoding
}

// repairable reports whether a text repair makes a file readable for the game.
func repairable(name string, problems []vdf.Problem, b []byte) bool {
	return len(problems) > 0 && problems[0].Kind == vdf.Encoding &&
		slices.ContainsFunc(gametext.Check(gametext.ReaderOf(name), b), func(f gametext.Finding) bool { return f.Fix == gametext.Encoding })
}

// problems warns about problems in a file, once for each cause. Later problems are often
// consequences of the first, so only their lines are listed.
func (v *view) problems(f found, all []vdf.Problem) {
	groups := map[string][]vdf.Problem{}
	for _, p := range all {
		groups[causeOf(p.Kind)] = append(groups[causeOf(p.Kind)], p)
	}
	for _, group := range []string{encoded, broken, cut, left, brackets} {
		ps := groups[group]
		if len(ps) == 0 {
			continue
		}
		if group == encoded {
			v.encodingProblem(f, ps[0])
			continue
		}
		v.warn.add(f.problem(group, ps[0].Line, problemOf(ps[0]), optional(more(ps))))
	}
}

// encodingProblem warns about the encoding of a file.
func (v *view) encodingProblem(f found, p vdf.Problem) {
	var w left4me.Warning
	if strings.Contains(p.Text, "UTF-16") {
		w = left4me.NewWarning(left4me.WarnText, f.where, "keyvalues.utf16", "file", f.packed)
	} else {
		w = left4me.NewWarning(left4me.WarnText, f.where, "keyvalues.byte_order_mark", "file", f.packed)
	}
	w.Fix = f.fix
	v.warn.add(w)
	if v.encodingWarned == nil {
		v.encodingWarned = map[string]bool{}
	}
	v.encodingWarned[f.where] = true
}

// problem returns the warning about problems with the same cause, the first of which is on a line.
// also lists the lines of the others; it is nil if there are none.
func (f found) problem(cause string, line int, problem, also any) left4me.Warning {
	switch {
	case cause == cut:
		return left4me.NewWarning(left4me.WarnSyntax, f.where, "keyvalues.text_too_long", "file", f.packed, "line", line,
			"problem", problem, "also", also)
	case cause == brackets:
		return left4me.NewWarning(left4me.WarnSyntax, f.where, "keyvalues.text_in_brackets", "file", f.packed, "line", line,
			"problem", problem, "also", also)
	case cause == left:
		return left4me.NewWarning(left4me.WarnSyntax, f.where, "keyvalues.condition", "file", f.packed, "line", line,
			"problem", problem, "also", also)
	case f.mission:
		return left4me.NewWarning(left4me.WarnSyntax, f.where, "mission.syntax", "file", f.packed, "line", line,
			"problem", problem, "also", also)
	}
	return left4me.NewWarning(left4me.WarnSyntax, f.where, "keyvalues.syntax", "file", f.packed, "line", line,
		"problem", problem, "also", also)
}

// problemOf returns the description of a problem. Texts in it may have another encoding.
func problemOf(p vdf.Problem) *left4me.Error {
	return left4me.NewError(left4me.Invalid, "syntax.keyvalues", "problem", strings.ToValidUTF8(p.Text, "\ufffd"))
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

// more lists the lines of problems after the first one.
func more(ps []vdf.Problem) string {
	var lines []string
	for _, p := range ps[1:] {
		if n := strconv.Itoa(p.Line); !slices.Contains(lines, n) {
			lines = append(lines, n)
		}
	}
	if len(lines) > maxSuspects {
		lines = append(lines[:maxSuspects], "…")
	}
	return strings.Join(lines, ", ")
}

// checkKeyValues accepts a text that is valid with or without escape sequences.
func checkKeyValues(text string) (int, *left4me.Error) {
	line, problem := plainKeyValues(text, false)
	if problem != nil && strings.Contains(text, `\`) {
		if _, p := plainKeyValues(text, true); p == nil {
			return 0, nil
		}
	}
	return line, problem
}

func plainKeyValues(text string, escapes bool) (int, *left4me.Error) {
	_, problems := vdf.ParseGame([]byte(text), vdf.Options{Escapes: escapes})
	for _, p := range problems {
		if p.Kind != vdf.LineBreak && p.Kind != vdf.Limit && p.Kind != vdf.Condition {
			return p.Line, problemOf(p)
		}
	}
	return 0, nil
}
