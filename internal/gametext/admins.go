package gametext

import (
	"strconv"
	"strings"

	"github.com/left4me/left4me/internal/left4me"
)

// adminProblem is a problem of a line of admins_simple.ini.
type adminProblem int

const (
	noProblem adminProblem = iota
	named                  // taken for the name of a player
	nobodys
	universe
	bracketed
	commented
	unclosed
	rightless
)

// error returns the description of a problem that a repair can fix or not.
func (p adminProblem) error(fix Fix) *left4me.Error {
	advice := left4me.NewError(left4me.Invalid, "admins.check_id")
	if fix == Identities {
		advice = left4me.NewError(left4me.Invalid, "admins.rewrite_id")
	}
	switch p {
	case named:
		return left4me.NewError(left4me.Invalid, "admins.id_is_name", "advice", advice)
	case nobodys:
		return left4me.NewError(left4me.Invalid, "admins.id_of_nobody", "advice", advice)
	case universe:
		return left4me.NewError(left4me.Invalid, "admins.universe", "advice", advice)
	case bracketed:
		return left4me.NewError(left4me.Invalid, "admins.id_in_brackets", "advice", advice)
	case commented:
		return left4me.NewError(left4me.Invalid, "admins.block_comment")
	case unclosed:
		return left4me.NewError(left4me.Invalid, "admins.quote_not_closed")
	case rightless:
		return left4me.NewError(left4me.Invalid, "admins.rights_missing")
	case noProblem:
	}
	return nil
}

// identities checks the list of administrators as SourceMod reads it
// (plugins/admin-flatfile/admin-simple.sp and core/logic/AdminCache.cpp of SourceMod 1.7 to 1.13),
// and converts Steam IDs to the form that SourceMod accepts.
func identities(r Reader, text string) (string, []Finding) {
	if r != Admins {
		return text, nil
	}
	found := map[kindOf][]int{}
	note := func(problem adminProblem, fix Fix, row int) {
		k := kindOf{problem, fix}
		found[k] = append(found[k], row)
	}
	var out strings.Builder
	out.Grow(len(text))
	n, block := 0, false
	for line := range strings.Lines(text) {
		n++
		content := withoutComment(line)
		s := strings.TrimSpace(content)
		if strings.HasPrefix(s, "/*") {
			block = !strings.Contains(s, "*/")
			out.WriteString(line)
			continue
		}
		closes := block && strings.Contains(s, "*/")
		if s == "" || s[0] == '*' || closes {
			block = block && !closes
			out.WriteString(line)
			continue
		}
		id, from, to, more := firstWord(content)
		switch {
		case strings.Count(s, `"`)%2 != 0:
			if !block {
				note(unclosed, NoFix, n)
			}
		case more == "":
			if !block {
				note(rightless, NoFix, n)
			}
		default:
			problem, right := checkIdentity(id)
			if block && (problem != noProblem || steamIdentity(id)) {
				note(commented, NoFix, n)
			}
			switch {
			case problem == noProblem:
			case right == "":
				note(problem, NoFix, n)
			default:
				note(problem, Identities, n)
				out.WriteString(line[:from] + `"` + right + `"` + line[to:])
				continue
			}
		}
		out.WriteString(line)
	}
	return out.String(), collected(found)
}

// kindOf is a finding without its lines.
type kindOf struct {
	problem adminProblem
	fix     Fix
}

func collected(found map[kindOf][]int) (all []Finding) {
	for problem := named; problem <= rightless; problem++ {
		for _, fix := range []Fix{Identities, NoFix} {
			if rows := found[kindOf{problem, fix}]; len(rows) > 0 {
				all = append(all, Finding{Rows: rows, Problem: problem.error(fix), Fix: fix})
			}
		}
	}
	return all
}

// withoutComment returns the part of a line that SourceMod uses.
func withoutComment(line string) string {
	line = strings.TrimRight(line, "\r\n")
	quoted := false
	for i := range len(line) {
		switch {
		case line[i] == '"':
			quoted = !quoted
		case !quoted && (line[i] == ';' || strings.HasPrefix(line[i:], "//")):
			return line[:i]
		}
	}
	return line
}

// firstWord splits a line as SourceMod's BreakString does: id is the first word without quotation
// marks, line[from:to] the same with them, and more the rest.
func firstWord(line string) (id string, from, to int, more string) {
	from = len(line) - len(strings.TrimLeft(line, " \t\r\v\f"))
	rest := line[from:]
	if after, ok := strings.CutPrefix(rest, `"`); ok {
		var found bool
		id, _, found = strings.Cut(after, `"`)
		if to = from + 1 + len(id); found {
			to++
		}
	} else {
		id = rest
		if i := strings.IndexAny(rest, " \t\r\v\f"); i >= 0 {
			id = rest[:i]
		}
		to = from + len(id)
	}
	return id, from, to, strings.TrimSpace(line[to:])
}

// steamIdentity reports whether SourceMod treats an identity as a Steam ID, rather than as a name
// or an address.
func steamIdentity(id string) bool {
	return strings.HasPrefix(id, "STEAM_") || strings.HasPrefix(id, "[U:") && strings.HasSuffix(id, "]") || strings.HasPrefix(id, "0:") ||
		strings.HasPrefix(id, "1:")
}

// checkIdentity returns the problem of an identity, and the intended Steam ID if it is clear.
func checkIdentity(id string) (problem adminProblem, right string) {
	switch {
	case strings.HasPrefix(id, "!"): // an IP address
		return noProblem, ""
	case steamIdentity(id):
		if matches(id) {
			u, ok := strings.CutPrefix(id, "STEAM_")
			switch {
			case !ok:
				return bracketed, intendedID(id)
			case u[0] > '1':
				return universe, "STEAM_1" + u[1:]
			}
			return noProblem, ""
		}
		return nobodys, intendedID(id)
	}
	if right := intendedID(id); right != "" || looksLike(id) {
		return named, right
	}
	return noProblem, "" // a player name
}

// matches reports whether a player can have an identity in SourceMod's form. SourceMod cuts off the
// digit of the universe and compares 0:123 as text; of [U:1:246] it reads the number.
func matches(id string) bool {
	if rest, ok := strings.CutPrefix(id, "STEAM_"); ok {
		if len(rest) < 5 || rest[0] < '0' || rest[0] > '9' || rest[1] != ':' {
			return false
		}
		a, err := left4me.ParseSteamID("STEAM_1" + rest[1:])
		return err == nil && a.String() == "STEAM_1"+rest[1:]
	}
	if rest, ok := strings.CutPrefix(id, "[U:"); ok && len(rest) > 3 {
		digits := rest[2:]
		if i := strings.IndexFunc(digits, func(r rune) bool { return r < '0' || r > '9' }); i >= 0 {
			digits = digits[:i]
		}
		n, err := strconv.ParseUint(digits, 10, 32)
		return err == nil && n > 0
	}
	return false
}

// intendedID returns the Steam ID that a text stands for, in SourceMod's form, or an empty string if
// that is unclear.
func intendedID(id string) string {
	s := strings.TrimSpace(strings.ToUpper(id))
	switch {
	case strings.HasPrefix(s, "0:"), strings.HasPrefix(s, "1:"):
		s = "STEAM_1:" + s
	case strings.HasPrefix(s, "U:1:"):
		s = "[" + s + "]"
	case strings.HasPrefix(s, "[U:1:") && !strings.HasSuffix(s, "]"):
		s += "]"
	case strings.HasPrefix(s, "HTTP"):
		s = strings.ToLower(s)
	case strings.HasPrefix(s, "STEAM:"):
		s = "STEAM_" + s[len("STEAM:"):]
	}
	a, err := left4me.ParseSteamID(s)
	if err != nil {
		return ""
	}
	return a.String()
}

// looksLike reports whether a text resembles a Steam ID.
func looksLike(id string) bool {
	s := strings.ToUpper(id)
	if strings.HasPrefix(s, "STEAM_") || strings.HasPrefix(s, "STEAM:") || strings.HasPrefix(s, "[U:") || strings.HasPrefix(s, "U:1:") ||
		strings.Contains(s, "STEAMCOMMUNITY.COM/") {
		return true
	}
	return len(s) == 17 && strings.HasPrefix(s, "7656119") && strings.Trim(s, "0123456789") == ""
}
