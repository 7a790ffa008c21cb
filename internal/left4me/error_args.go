package left4me

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/left4me/left4me/internal/locale"
)

// Bounds of the arguments of an Error. Sizes are in bytes of JSON.
const (
	maxErrorCode     = 80
	maxErrorArgs     = 16
	maxErrorArgName  = 40
	maxErrorArg      = 4 << 10 // one text
	maxErrorArgBytes = 8 << 10 // all arguments, including those of nested errors
	maxErrorNesting  = 2       // depth of errors within errors
	errorArgBytes    = 40      // overhead of an argument besides its name and text
	nestedErrorBytes = 80      // overhead of a nested error besides its code and texts
)

// Bytes is an argument of an Error that is a number of bytes.
type Bytes = locale.Bytes

// Args are the arguments of an Error by the names used in its texts. A value is a string, an int64,
// a Bytes, a time.Duration, a time.Time, a Remedy, a Note or an *Error. Args are immutable. In JSON, strings
// and numbers are encoded as such; the other values are objects with one member:
// {"bytes": 1048576}, {"seconds": 1.5}, {"time": "2026-11-29T20:00:00Z"},
// {"remedy": {"commands": ["date"]}}, {"note": {...}}, {"error": {...}}.
type Args map[string]any

// argsOf returns Args from alternating names and values. It omits nil values, and converts values
// of other types to text.
func argsOf(pairs []any) Args {
	if len(pairs) < 2 {
		return nil
	}
	a := make(Args, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		v := pairs[i+1]
		if e, ok := v.(*Error); v == nil || ok && e == nil {
			continue
		}
		if name, ok := pairs[i].(string); ok {
			a[name] = argOf(v)
		}
	}
	return a
}

func argOf(v any) any {
	switch v := v.(type) {
	case string, Bytes, time.Duration, time.Time, Remedy, Note, *Error:
		return v
	case error:
		return v.Error()
	case fmt.Stringer:
		return v.String()
	}
	switch r := reflect.ValueOf(v); {
	case r.CanInt():
		return r.Int()
	case r.CanUint() && r.Uint() <= math.MaxInt64:
		return int64(r.Uint())
	}
	return fmt.Sprint(v)
}

// argJSON is the JSON form of an argument that is neither a string nor a number.
type argJSON struct {
	Bytes   *Bytes          `json:"bytes,omitempty"`
	Seconds *float64        `json:"seconds,omitempty"`
	Time    *time.Time      `json:"time,omitempty"`
	Remedy  *Remedy         `json:"remedy,omitempty"`
	Note    json.RawMessage `json:"note,omitempty"`
	Error   json.RawMessage `json:"error,omitempty"`
}

// MarshalJSON encodes the arguments as described for Args.
func (a Args) MarshalJSON() ([]byte, error) {
	out := make(map[string]any, len(a))
	for name, v := range a {
		switch v := v.(type) {
		case string:
			if utf8.ValidString(v) { // JSON cannot encode other strings; Text contains them
				out[name] = v
			}
		case Bytes:
			out[name] = argJSON{Bytes: &v}
		case time.Duration:
			s := v.Seconds()
			out[name] = argJSON{Seconds: &s}
		case time.Time:
			out[name] = argJSON{Time: &v}
		case Remedy:
			out[name] = argJSON{Remedy: &v}
		case Note:
			out[name] = map[string]Note{"note": v}
		case *Error:
			out[name] = map[string]*Error{"error": v}
		default:
			out[name] = v
		}
	}
	return json.Marshal(out)
}

// UnmarshalJSON decodes arguments and applies their bounds. It omits values of types that this
// build does not know; the Error is then displayed by its Text.
func (a *Args) UnmarshalJSON(data []byte) error { return a.read(data, 0) }

func (a *Args) read(data []byte, depth int) error {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		return err
	}
	out := Args{}
	for name, value := range raw {
		if v, ok := readArg(value, depth); ok {
			out[name] = v
		}
	}
	*a = out.clipped()
	return nil
}

func readArg(data json.RawMessage, depth int) (any, bool) {
	switch data[0] {
	case '"':
		var s string
		return s, json.Unmarshal(data, &s) == nil
	case '{':
		return readObjectArg(data, depth)
	}
	var n int64
	return n, !bytes.Equal(data, []byte("null")) && json.Unmarshal(data, &n) == nil
}

func readObjectArg(data json.RawMessage, depth int) (any, bool) {
	var v argJSON
	if err := json.Unmarshal(data, &v); err != nil {
		return nil, false
	}
	switch {
	case v.Bytes != nil:
		return *v.Bytes, true
	case v.Seconds != nil && math.Abs(*v.Seconds) < math.MaxInt64/1e9:
		return time.Duration(math.Round(*v.Seconds * 1e9)), true
	case v.Time != nil:
		return *v.Time, true
	case v.Remedy != nil:
		return *v.Remedy, true
	case v.Note != nil && depth < maxErrorNesting:
		n := struct {
			Code string          `json:"code"`
			Args json.RawMessage `json:"args"`
			Text string          `json:"text"`
		}{}
		if json.Unmarshal(v.Note, &n) != nil {
			return nil, false
		}
		note := Note{Code: clipCode(n.Code), Text: n.Text}
		if n.Args != nil && note.Args.read(n.Args, depth+1) != nil {
			return nil, false
		}
		return note, true
	case v.Error != nil && depth < maxErrorNesting:
		var e struct {
			Error
			Args json.RawMessage `json:"args"`
		}
		if json.Unmarshal(v.Error, &e) != nil || e.Kind == "" {
			return nil, false
		}
		if e.Args != nil && e.Error.Args.read(e.Args, depth+1) != nil {
			return nil, false
		}
		return &e.Error, true
	}
	return nil, false
}

// clipped returns the arguments within their bounds. It returns a itself if nothing was truncated
// or omitted.
func (a Args) clipped() Args {
	budget := maxErrorArgBytes
	if out, cut := a.within(&budget, 0); cut {
		return out
	}
	return a
}

// within subtracts the sizes of arguments from budget, in the order of their names, and omits
// arguments that do not fit.
func (a Args) within(budget *int, depth int) (out Args, cut bool) {
	if len(a) == 0 {
		return a, false
	}
	out = make(Args, min(len(a), maxErrorArgs))
	for _, name := range slices.Sorted(maps.Keys(a)) {
		if len(out) == maxErrorArgs || !isArgName(name) || !take(budget, len(name)+errorArgBytes) {
			cut = true
			continue
		}
		switch v := a[name].(type) {
		case string:
			if !utf8.ValidString(v) {
				cut = true
				continue
			}
			s := clipFrom(budget, v, maxErrorArg)
			out[name], cut = s, cut || s != v
		case *Error:
			e, changed := v.nested(budget, depth+1)
			cut = cut || changed
			if e != nil {
				out[name] = e
			}
		case Note:
			n, changed := v.nested(budget, depth+1)
			cut = cut || changed
			if !n.IsZero() {
				out[name] = n
			}
		case Remedy:
			if !v.fits(budget) {
				cut = true
				continue
			}
			out[name] = v
		default:
			out[name] = v
		}
	}
	return out, cut
}

// nested returns a nested error within budget, or nil if it is nested too deeply or does not fit.
func (e *Error) nested(budget *int, depth int) (*Error, bool) {
	code := clipCode(e.Code)
	if depth > maxErrorNesting || len(e.Kind) > maxErrorKind || !take(budget, len(code)+nestedErrorBytes) {
		return nil, true
	}
	c := *e
	c.Code, c.Field = code, clipFrom(budget, e.Field, maxErrorField)
	c.Text, c.Hint = clipFrom(budget, e.Text, maxErrorArg), clipFrom(budget, e.Hint, maxErrorArg)
	var cut bool
	c.Args, cut = e.Args.within(budget, depth)
	if !cut && c.Code == e.Code && c.Field == e.Field && c.Text == e.Text && c.Hint == e.Hint {
		return e, false
	}
	return &c, true
}

// take subtracts n from budget if possible and reports whether it was.
func take(budget *int, n int) bool {
	if *budget < n {
		return false
	}
	*budget -= n
	return true
}

func clipFrom(budget *int, s string, limit int) string {
	s = Clip(s, min(limit, *budget))
	*budget -= TextLen(s)
	return s
}

// clipCode returns code, or "" if it is not a valid code.
func clipCode(code string) string {
	if len(code) > maxErrorCode {
		return ""
	}
	for _, part := range strings.Split(code, ".") {
		if !isArgName(part) {
			return ""
		}
	}
	return code
}

// isArgName reports whether s consists of lower-case letters, digits and _, and starts with a
// letter.
func isArgName(s string) bool {
	for i, r := range s {
		letter := r >= 'a' && r <= 'z'
		if !letter && (i == 0 || r != '_' && (r < '0' || r > '9')) {
			return false
		}
	}
	return s != "" && len(s) <= maxErrorArgName
}

// withErrors returns a with each error replaced by the result of f, and replaces the errors'
// texts in texts, which matter for a code that this build does not know.
func (a Args) withErrors(f func(*Error) *Error, texts ...*string) (out Args, changed bool) {
	out = maps.Clone(a)
	for name, v := range a {
		if n, ok := v.(Note); ok {
			before := n.String()
			if n = n.WithErrors(f); n.String() != before {
				out[name], changed = n, true
				for _, t := range texts {
					*t = strings.ReplaceAll(*t, before, n.String())
				}
			}
			continue
		}
		e, ok := v.(*Error)
		if !ok {
			continue
		}
		shown := f(e)
		if shown == e {
			continue
		}
		out[name], changed = shown, true
		for _, old := range []string{e.Text, e.Said()} {
			if old == "" {
				continue
			}
			for _, t := range texts {
				*t = strings.ReplaceAll(*t, old, shown.Said())
			}
		}
	}
	return out, changed
}

// haveSecrets reports whether a text among the arguments contains a password.
func (a Args) haveSecrets() bool {
	for _, v := range a {
		switch v := v.(type) {
		case string:
			if HideSecrets(v) != v {
				return true
			}
		case Note:
			if h := v.hideSecrets(); h.Code != v.Code || h.Text != v.Text {
				return true
			}
		case Remedy:
			if v.hasSecrets() {
				return true
			}
		case *Error:
			if h := v.hideSecrets(); h.Text != v.Text || h.Hint != v.Hint || h.Code != v.Code {
				return true
			}
		}
	}
	return false
}
