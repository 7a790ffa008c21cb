package left4me

import (
	"encoding/json"
	"slices"
	"strings"
	"unicode"

	"github.com/left4me/left4me/internal/locale"
)

// Bounds of the notes of a step. Sizes are in bytes of JSON.
const (
	maxNotes     = 16
	maxNoteBytes = 2 << 10 // one note; a larger one is sent without its code
)

// Note is a short text about a result or a reason: the result of a step, why a job was requested, why
// a file of an upload is placed where it is. It is a phrase that starts in lower case, without a full
// stop.
//
// Code and Args identify the note; the text in the user's language is rendered from them (see RenderIn). Text is the
// English text of the build that made the note: for logs, for version 1 of the API, and for a build
// that does not know the code. A note from a build without codes has only a Text. The zero value is no
// note.
type Note struct {
	Code string `json:"code" doc:"Identifies the text, and is stable"`
	Args Args   `json:"args,omitempty" doc:"What the text of the code is filled with, as in errors"`
	Text string `json:"text"`
}

// NewNote returns a Note whose text is that of code in the catalogue, filled with arguments: names and
// values in turn. Code and names are literals, so that a test can compare them with the texts. Args
// lists the types of values; nil means no argument. Arguments may come from untrusted files: they are
// truncated to the bounds of Args.
func NewNote(code string, args ...any) Note {
	n := Note{Code: code, Args: argsOf(args).clipped()}
	if n.Text = n.RenderIn(locale.English); n.Text == "" {
		n.Text = unknownText(code, n.Args)
	}
	return n
}

// IsZero reports whether n is no note.
func (n Note) IsZero() bool { return n.Code == "" && n.Text == "" }

// RenderIn returns the text of n in the language of p. If this build does not know the code or its
// arguments, RenderIn returns the note's own Text.
func (n Note) RenderIn(p *locale.Printer) string {
	if text, _, ok := textsOf(p, "note.", n.Code, "", n.Args); ok {
		return text
	}
	return n.Text
}

// String returns the English text of n.
func (n Note) String() string { return n.RenderIn(locale.English) }

// InLocale makes n an argument of a text.
func (n Note) InLocale(p *locale.Printer, format string) (string, bool) {
	return n.RenderIn(p), format == ""
}

// Same reports whether two notes have the same code and text.
func (n Note) Same(o Note) bool { return n.Code == o.Code && n.Text == o.Text }

// UnmarshalJSON decodes a note. A string, which builds without codes wrote, is a note with only a
// text.
func (n *Note) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '"' {
		*n = Note{}
		return json.Unmarshal(data, &n.Text)
	}
	type plain Note // without this method
	var p plain
	if err := json.Unmarshal(data, &p); err != nil {
		return err
	}
	*n = Note(p)
	n.Code = clipCode(n.Code)
	return nil
}

// WithErrors returns n with each error among its arguments replaced by what f returns for it, which
// is not nil, in the text too.
func (n Note) WithErrors(f func(*Error) *Error) Note {
	args, changed := n.Args.withErrors(f, &n.Text)
	if !changed {
		return n
	}
	n.Args = args
	n.Text = n.String()
	return n
}

// clipped returns n within its bounds. Without its code, n is shown by its text.
func (n Note) clipped() Note {
	n.Text = Clip(n.Text, MaxJobNote)
	if b, err := json.Marshal(n); err != nil || len(b) > maxNoteBytes || clipCode(n.Code) != n.Code {
		return Note{Text: n.Text}
	}
	return n
}

// nested returns n as an argument within budget, or no note if it is nested too deeply or does not fit.
func (n Note) nested(budget *int, depth int) (Note, bool) {
	code := clipCode(n.Code)
	if depth > maxErrorNesting || !take(budget, len(code)+nestedErrorBytes) {
		return Note{}, true
	}
	out := Note{Code: code, Text: clipFrom(budget, n.Text, maxErrorArg)}
	var cut bool
	out.Args, cut = n.Args.within(budget, depth)
	return out, cut || out.Code != n.Code || out.Text != n.Text
}

// hideSecrets returns n without passwords.
func (n Note) hideSecrets() Note {
	text := n.String()
	if HideSecrets(text) == text && HideSecrets(n.Text) == n.Text && !n.Args.haveSecrets() {
		return n
	}
	return Note{Text: HideSecrets(n.Text)}
}

// Notes are several notes about one thing, in order.
type Notes []Note

// RenderIn returns all texts in one line in the language of p.
func (n Notes) RenderIn(p *locale.Printer) string {
	texts := make([]string, len(n))
	for i, v := range n {
		texts[i] = v.RenderIn(p)
	}
	return strings.Join(texts, locale.M("list.separator").In(p))
}

// String returns all English texts in one line, separated by "; ".
func (n Notes) String() string { return n.RenderIn(locale.English) }

// Each returns the notes that f returns for those of n.
func (n Notes) Each(f func(Note) Note) Notes {
	out := slices.Clone(n)
	for i := range out {
		out[i] = f(out[i])
	}
	return out
}

func (n Notes) clipped() Notes { return n[:min(len(n), maxNotes)].Each(Note.clipped) }

// SetNotes sets the notes of a step; none removes them.
func (s *Step) SetNotes(notes ...Note) { s.Notes, s.Note = notes, Notes(notes).String() }

// SetWarnings sets the warnings of a step; none removes them.
func (s *Step) SetWarnings(warnings ...Note) {
	s.Warnings, s.Warning = warnings, Notes(warnings).String()
}

// NoteIn returns the notes of a step in the language of p; those of an older host as they came.
func (s Step) NoteIn(p *locale.Printer) string { return renderedOr(p, s.Notes, s.Note) }

// WarningIn returns the warnings of a step in the language of p; those of an older host as they came.
func (s Step) WarningIn(p *locale.Printer) string { return renderedOr(p, s.Warnings, s.Warning) }

// CheckNoteIn returns the result of the last query to Steam in the language of p; that of an older
// host as it came.
func (g Game) CheckNoteIn(p *locale.Printer) string { return renderedOr(p, g.CheckNotes, g.CheckNote) }

func renderedOr(p *locale.Printer, notes Notes, text string) string {
	if len(notes) == 0 {
		return text
	}
	return notes.RenderIn(p)
}

// SetNotes sets the reason for the state of an item; none removes it.
func (s *WorkshopState) SetNotes(notes ...Note) { s.Notes, s.Text = notes, Notes(notes).String() }

// NoteIn returns the reason for the state of an item in the language of p; that of an older host as it
// came.
func (s WorkshopState) NoteIn(p *locale.Printer) string { return renderedOr(p, s.Notes, s.Text) }

// WithErrors returns s with each error among the arguments of its notes replaced by what f returns
// for it.
func (s Step) WithErrors(f func(*Error) *Error) Step {
	each := func(n Note) Note { return n.WithErrors(f) }
	if len(s.Notes) > 0 {
		s.SetNotes(s.Notes.Each(each)...)
	}
	if len(s.Warnings) > 0 {
		s.SetWarnings(s.Warnings.Each(each)...)
	}
	return s
}

// StepText returns the label of a step in the language of p. The label itself identifies the
// step and never changes; a label that this build doesn't know is returned unchanged.
func StepText(p *locale.Printer, label string) string {
	if key := StepKey(label); p.Has(key) && !strings.ContainsFunc(label, unicode.IsControl) {
		return p.Text(key)
	}
	return label
}

// StepKey returns the catalogue key of a step's label: "step.write_configuration".
func StepKey(label string) string {
	words := strings.FieldsFunc(strings.ToLower(label), func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') })
	return "step." + strings.Join(words, "_")
}
