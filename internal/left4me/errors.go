package left4me

import (
	"errors"
	"strings"
)

// Kind says what sort of failure an Error is, for the program. A Kind is itself
// an error, so that errors.Is(err, left4me.NotFound) asks for it.
type Kind string

// The kinds, and what the person who asked can do about them.
const (
	NotFound    Kind = "not found"   // there is no such thing
	Conflict    Kind = "conflict"    // it is taken, or changed meanwhile
	Invalid     Kind = "invalid"     // the request itself is wrong
	Denied      Kind = "denied"      // not allowed, or not logged in
	Busy        Kind = "busy"        // try again later
	Unavailable Kind = "unavailable" // something that is needed does not answer
	DiskFull    Kind = "disk full"   // there is no room for it, or a quota is used up
)

// Internal is the kind of an Error that carries an internal error from one process
// to another: its Text is for the log, and Public doesn't return it.
const Internal Kind = "internal"

func (k Kind) Error() string { return string(k) }

// Error is a failure that can be shown to the person who asked. Any other error
// is internal: it is logged, and the person sees a general sentence.
//
// Code and Args say what happened, and whoever shows the error makes its texts of
// them (see Render). Text and Hint are those texts in English as the build that
// made the error words them: for logs, and for a build that doesn't know the code.
// An error from before there were codes has none.
type Error struct {
	Kind  Kind   `json:"kind"`
	Code  string `json:"code,omitempty"`  // "port.in_use"; see docs/errors.md
	Args  Args   `json:"args,omitempty"`  // {"port": 27015, "server": "beta"}
	Field string `json:"field,omitempty"` // what in the request it is about
	Text  string `json:"text"`            // "port 27015 is used by beta"
	Hint  string `json:"hint,omitempty"`  // "choose another port or stop beta"
	Err   error  `json:"-"`               // the cause: logged, never shown
}

// NewError returns an Error whose texts are those of code, filled with arguments:
// names and values in turn. Code and names are literals, so that a test can compare
// them with the texts; Args says what values there are, and nil is none.
func NewError(kind Kind, code string, args ...any) *Error {
	e := &Error{Kind: kind, Code: code, Args: argsOf(args)}
	if e.Text, e.Hint = e.Render(); e.Text == "" {
		e.Text = unknownText(code, e.Args)
	}
	return e
}

// InField sets what in the request e is about, and returns e.
func (e *Error) InField(field string) *Error {
	e.Field = field
	return e
}

// ForField returns e as it is about another field of another request.
func (e *Error) ForField(field string) *Error {
	c := *e
	c.Field = field
	return &c
}

// Because sets the cause of e, which is logged and never shown, and returns e.
func (e *Error) Because(err error) *Error {
	e.Err = err
	return e
}

// Error gives text and hint as one line.
func (e *Error) Error() string {
	if e.Hint == "" {
		return e.Text
	}
	return e.Text + "; " + e.Hint
}

// Unwrap gives the cause, which may be nil.
func (e *Error) Unwrap() error { return e.Err }

// Is makes errors.Is(err, left4me.NotFound) true for an Error of that kind.
func (e *Error) Is(target error) bool {
	k, ok := target.(Kind)
	return ok && e.Kind == k
}

// Public returns the part of err that may be shown: the *Error in its chain, or
// false when all of it is internal.
func Public(err error) (*Error, bool) {
	var e *Error
	if errors.As(err, &e) && e.Kind != Internal {
		return e, true
	}
	return nil, false
}

// Shown returns what may be shown of err: the *Error in its chain, or else general,
// one with a code below "internal", which says where the log has more. The caller
// logs err.
func Shown(err error, general *Error) *Error {
	if e, ok := Public(err); ok {
		return e
	}
	return general.Because(err)
}

// NoSuch says that there is nothing with a name; what is its noun: "server", "job".
func NoSuch(what, name string) *Error {
	switch what {
	case "server":
		return NewError(NotFound, "server.unknown", "server", name)
	case "overlay":
		return NewError(NotFound, "overlay.unknown", "overlay", name)
	case "blueprint":
		return NewError(NotFound, "blueprint.unknown", "blueprint", name)
	case "user":
		return NewError(NotFound, "user.unknown", "user", name)
	case "job":
		return NewError(NotFound, "job.unknown", "job", name)
	case "active job":
		return NewError(NotFound, "job.not_active", "job", name)
	}
	return NewError(NotFound, "thing.unknown", "what", what, "name", name)
}

// Received returns an Error as another left4me told it.
func Received(kind Kind, code string, args Args, text, hint string) *Error {
	return &Error{Kind: kind, Code: code, Args: args, Text: text, Hint: hint}
}

// Crossing returns err as it is told to another process: what isn't public is
// Internal there.
func Crossing(err error) *Error {
	if e, ok := Public(err); ok {
		return e
	}
	return &Error{Kind: Internal, Text: err.Error(), Err: err}
}

// Fields are several Errors found in one request, one for each field.
type Fields []*Error

func (f Fields) Error() string {
	texts := make([]string, len(f))
	for i, e := range f {
		texts[i] = e.Error()
	}
	return strings.Join(texts, ", ")
}

// Unwrap gives the single errors to errors.Is and errors.As.
func (f Fields) Unwrap() []error {
	errs := make([]error, len(f))
	for i, e := range f {
		errs[i] = e
	}
	return errs
}
