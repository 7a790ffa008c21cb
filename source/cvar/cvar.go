// Package cvar parses the console output of a Source engine server for the name of a variable:
//
//	"sv_lan" = "1" ( def. "0" ) - Server is a lan server
//	"mp_gamemode" = "coop" game notify replicated - description
//
// The default is printed only if the value differs from it. A value never contains quotation marks,
// because the engine has no way to set one.
package cvar

import (
	"strconv"
	"strings"
)

// Var is one variable.
type Var struct {
	Name, Value string
	Default     string // equals Value if the server printed no default
}

// On reports whether the engine treats the value as true: a number other than zero.
func (v Var) On() bool { return v.Int() != 0 }

// Int returns the value as the engine converts it to an integer: up to the first character that is not
// part of a number.
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

// Parse returns the variables in the output of a server by lower-case name. It ignores other lines. If
// a variable appears twice, the first line is used.
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

// quoted removes a quoted word from the start of s.
func quoted(s string) (word, rest string, ok bool) {
	if s, ok = strings.CutPrefix(s, `"`); !ok {
		return "", "", false
	}
	return strings.Cut(s, `"`)
}
