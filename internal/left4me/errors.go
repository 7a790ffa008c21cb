package left4me

import (
	"errors"
	"strings"
)

// Kind is the type of an Error, for programs. A Kind is itself an error, so that errors.Is(err,
// left4me.NotFound) works.
type Kind string

// The kinds, from the point of view of the requesting user.
const (
	NotFound    Kind = "not found"   // the object does not exist
	Conflict    Kind = "conflict"    // already in use, or changed in the meantime
	Invalid     Kind = "invalid"     // the request is invalid
	Denied      Kind = "denied"      // permission denied, or not signed in
	Busy        Kind = "busy"        // try again later
	Unavailable Kind = "unavailable" // a required service does not answer
	DiskFull    Kind = "disk full"   // not enough space, or a quota is exhausted
)

// Internal is the kind of an internal error that one process sends to another. Its Text is for the
// log; Public does not return it.
const Internal Kind = "internal"

func (k Kind) Error() string { return string(k) }

// Error is a failure that may be shown to the requesting user. All other errors are internal: they
// are logged, and the user sees a general message.
//
// Code and Args identify the failure; the process that displays the error renders its texts from
// them (see Render). Text and Hint are the English texts of the build that created the error, for
// logs and for builds that do not know the code. Errors of old versions have no code.
type Error struct {
	Kind  Kind   `json:"kind"`
	Code  string `json:"code,omitempty"`  // "port.in_use"; see docs/errors.md
	Args  Args   `json:"args,omitempty"`  // {"port": 27015, "server": "beta"}
	Field string `json:"field,omitempty"` // the invalid field of the request
	Text  string `json:"text"`            // "port 27015 is used by beta"
	Hint  string `json:"hint,omitempty"`  // "choose another port or stop beta"
	Err   error  `json:"-"`               // the cause: logged, never shown
}

// NewError returns an Error with the texts of code, filled with arguments, which are alternating
// names and values. code and names must be literals, so that a test can compare them with the
// texts. Args documents the types of values; nil values are omitted.
func NewError(kind Kind, code string, args ...any) *Error {
	e := &Error{Kind: kind, Code: code, Args: argsOf(args)}
	if e.Text, e.Hint = e.Render(); e.Text == "" {
		e.Text = unknownText(code, e.Args)
	}
	return e
}

// InField sets the field of the request that e is about, and returns e.
func (e *Error) InField(field string) *Error {
	e.Field = field
	return e
}

// ForField returns a copy of e that is about another field.
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

// Error returns text and hint in one line.
func (e *Error) Error() string {
	if e.Hint == "" {
		return e.Text
	}
	return e.Text + "; " + e.Hint
}

// Unwrap returns the cause, which may be nil.
func (e *Error) Unwrap() error { return e.Err }

// Is makes errors.Is(err, left4me.NotFound) true for an Error of that kind.
func (e *Error) Is(target error) bool {
	k, ok := target.(Kind)
	return ok && e.Kind == k
}

// Public returns the *Error in err's chain that may be shown, or false if err is internal.
func Public(err error) (*Error, bool) {
	var e *Error
	if errors.As(err, &e) && e.Kind != Internal {
		return e, true
	}
	return nil, false
}

// Shown returns the *Error in err's chain that may be shown, or else general with err as its cause.
// general has a code with the prefix "internal" and refers the user to the log. The caller must log
// err.
func Shown(err error, general *Error) *Error {
	if e, ok := Public(err); ok {
		return e
	}
	return general.Because(err)
}

// NoSuch returns the error for an unknown object. what is its kind: "server", "job".
func NoSuch(what, name string) *Error {
	switch what {
	case "server":
		return NewError(NotFound, "server.unknown", "server", name)
	case "deleted server":
		return NewError(NotFound, "deleted_server.unknown", "server", name)
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

// Received returns an Error received from another left4me.
func Received(kind Kind, code string, args Args, text, hint string) *Error {
	return &Error{Kind: kind, Code: code, Args: args, Text: text, Hint: hint}
}

// Crossing returns err in the form that is sent to another process: an error that is not public
// becomes Internal.
func Crossing(err error) *Error {
	if e, ok := Public(err); ok {
		return e
	}
	return &Error{Kind: Internal, Text: err.Error(), Err: err}
}

// Fields are the errors of one request, one per invalid field.
type Fields []*Error

func (f Fields) Error() string {
	texts := make([]string, len(f))
	for i, e := range f {
		texts[i] = e.Error()
	}
	return strings.Join(texts, ", ")
}

// Unwrap returns the individual errors for errors.Is and errors.As.
func (f Fields) Unwrap() []error {
	errs := make([]error, len(f))
	for i, e := range f {
		errs[i] = e
	}
	return errs
}
