// Package cvar reads what a server of the Source engine prints when the name of
// one of its variables is typed:
//
//	"sv_lan" = "1" ( def. "0" ) - Server is a lan server
//	"mp_gamemode" = "coop" game notify replicated - description
//
// The default stands there only when the value is another one. A value holds no
// quotation marks: the engine has no way to set one.
package cvar

import (
	"strconv"
	"strings"
)

// Var is one variable.
type Var struct {
	Name, Value string
	Default     string // the value itself where the server names none
}

// On reports whether the value is one that the engine takes for true: a number
// that isn't zero.
func (v Var) On() bool { return v.Int() != 0 }

// Int is the value as the engine reads it for a number: up to the first
// character that belongs to none.
func (v Var) Int() int {
	text := strings.TrimSpace(v.Value)
	if f, err := strconv.ParseFloat(text, 64); err == nil && f > -1<<31 && f < 1<<31 {
		return int(f)
	}
	end := 0
	for end < len(text) && (text[end] >= '0' && text[end] <= '9' || end == 0 && text[end] == '-') {
		end++
	}
	n, err := strconv.ParseInt(text[:end], 10, 32)
	if err != nil {
		return 0
	}
	return int(n)
}

// Parse finds the variables in what a server printed, by their names in small
// letters; other lines may stand between. Of a variable that appears twice the
// first counts.
func Parse(text string) map[string]Var {
	vars := map[string]Var{}
	for line := range strings.Lines(text) {
		v, ok := parseLine(strings.TrimSpace(line))
		key := strings.ToLower(v.Name)
		if _, twice := vars[key]; ok && !twice {
			vars[key] = v
		}
	}
	return vars
}

func parseLine(line string) (Var, bool) {
	name, rest, ok := quoted(line)
	if !ok || name == "" || strings.ContainsAny(name, " \t") {
		return Var{}, false
	}
	rest, ok = strings.CutPrefix(strings.TrimSpace(rest), "=")
	if !ok {
		return Var{}, false
	}
	value, rest, ok := quoted(strings.TrimSpace(rest))
	if !ok {
		return Var{}, false
	}
	v := Var{Name: name, Value: value, Default: value}
	if rest, ok = strings.CutPrefix(strings.TrimSpace(rest), "( def. "); ok {
		if def, _, ok := quoted(rest); ok {
			v.Default = def
		}
	}
	return v, true
}

// quoted takes a word in quotation marks off the front.
func quoted(s string) (word, rest string, ok bool) {
	if s, ok = strings.CutPrefix(s, `"`); !ok {
		return "", "", false
	}
	return strings.Cut(s, `"`)
}
