package left4me

import (
	"strings"
	"unicode"

	"github.com/left4me/left4me/internal/locale"
)

// CheckState is the result of a check.
type CheckState string

// The states. CheckBroken keeps servers from running or players from joining; CheckWarn does not,
// or affects only some of them.
const (
	CheckOK      CheckState = "ok"
	CheckWarn    CheckState = "warn"
	CheckBroken  CheckState = "broken"
	CheckSkipped CheckState = "skipped" // could not be checked
)

// Check is one finding about a host or a server, as hosts send it and the API returns it.
//
// Code and Args identify the finding, and the reader's texts are made from them (see
// RenderIn). Text and Mend are those texts in English, worded by the build that made the
// check: for logs, for version 1 of the API, and for a build that doesn't know the code.
// A check from a build without codes has none.
type Check struct {
	Name  string     `json:"name"` // a stable identifier: "disk"
	State CheckState `json:"state" enum:"ok,warn,broken,skipped"`
	Code  string     `json:"code" doc:"Stable code of the finding"`
	Args  Args       `json:"args,omitempty" doc:"Arguments of the code's text, as in errors"`
	Text  string     `json:"text" doc:"Result of the check"`
	Mend  string     `json:"mend,omitempty" doc:"Remedy; commands are enclosed in backquotes"`
}

// NewCheck returns a Check whose texts are those of code in the catalogue, filled with
// arguments: names and values in turn. Code and names are literals, so that a test can
// compare them with the texts. Args lists the types of values; nil means no argument.
func NewCheck(state CheckState, name, code string, args ...any) Check {
	c := Check{Name: name, State: state, Code: code, Args: argsOf(args)}
	if c.Text, c.Mend = c.Render(); c.Text == "" {
		c.Text = unknownText(code, c.Args)
	}
	return c
}

// Render returns in English what was found and what to do about it; see RenderIn.
func (c Check) Render() (text, fix string) { return c.RenderIn(locale.English) }

// RenderIn returns what was found and what to do about it, which may be empty, in the
// language of p. Commands in fix are between backquotes. If this build doesn't know the
// code or its arguments, the texts are those that the check came with.
func (c Check) RenderIn(p *locale.Printer) (text, fix string) {
	if text, fix, ok := textsOf(p, "check.", c.Code, ".fix", c.Args); ok {
		return text, fix
	}
	return c.Text, c.Mend
}

// NameIn returns the label of the check's name in the language of p. The name itself identifies the
// check and never changes; a name that this build doesn't know, such as that of a setting, is returned
// unchanged.
func (c Check) NameIn(p *locale.Printer) string {
	key := "check_name." + strings.TrimPrefix(StepKey(c.Name), "step.")
	if strings.ContainsFunc(c.Name, unicode.IsControl) {
		return c.Name
	}
	if unit, ok := strings.CutPrefix(c.Name, "unit "); ok {
		return locale.M("check_name.unit", "unit", unit).In(p)
	}
	if p.Has(key) {
		return p.Text(key)
	}
	return c.Name
}

// Rendered returns c with the Text and Mend that this build makes from its code.
func (c Check) Rendered() Check {
	c.Text, c.Mend = c.Render()
	return c
}

// Shortened returns c without Code and Args, since Text and Mend say the same, and with texts
// of a bounded length in bytes of JSON.
func (c Check) Shortened(name, text int) Check {
	return Check{Name: Clip(c.Name, name), State: c.State, Text: Clip(c.Text, text), Mend: Clip(c.Mend, text)}
}

// Worded reports whether this build made the texts of c from its code and arguments.
func (c Check) Worded() bool {
	_, _, ok := textsOf(locale.English, "check.", c.Code, ".fix", c.Args)
	return ok
}

// WithErrors returns c with each error among its arguments replaced by what f returns for
// it, which is not nil, in the texts too.
func (c Check) WithErrors(f func(*Error) *Error) Check {
	c.Args, _ = c.Args.withErrors(f, &c.Text, &c.Mend)
	return c.Rendered()
}

// ReasonOf returns err as an argument of a Check: the *Error in its chain, which the
// reader sees in their own language, or else its text. It returns nil for nil.
func ReasonOf(err error) any {
	if err == nil {
		return nil
	}
	if e, ok := Public(err); ok {
		return e
	}
	return err.Error()
}

// Healthy reports whether no check is broken.
func Healthy(checks []Check) bool {
	for _, c := range checks {
		if c.State == CheckBroken {
			return false
		}
	}
	return true
}

// FirstWrong returns the first broken check or, if none is broken, the first warning. ok is
// false if there is neither.
func FirstWrong(checks []Check) (first Check, ok bool) {
	for _, state := range []CheckState{CheckBroken, CheckWarn} {
		for _, c := range checks {
			if c.State == state {
				return c, true
			}
		}
	}
	return Check{}, false
}
