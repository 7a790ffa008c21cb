package format

import (
	"context"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/locale"
)

// maxError bounds the shown part of a text, in bytes.
const maxError = 8 << 10

// Error returns the text of an error and the hint for what to do about it, which may be
// empty, in the reader's language. Visible is applied to both, because arguments may come from
// outside. All error texts of the panel are rendered here.
func Error(ctx context.Context, e *left4me.Error) (text, hint string) {
	text, hint = e.RenderIn(locale.From(ctx))
	return shownError(text), shownError(hint)
}

func shownError(text string) string {
	if len(text) > maxError {
		text = left4me.Clip(text, maxError)
	}
	return Visible(text)
}

// ErrorText returns the text of an error without the hint.
func ErrorText(ctx context.Context, e *left4me.Error) string {
	text, _ := Error(ctx, e)
	return text
}

// ErrorHint returns the hint for what to do about an error.
func ErrorHint(ctx context.Context, e *left4me.Error) string {
	_, hint := Error(ctx, e)
	return hint
}

// ErrorLine returns text and hint in one line.
func ErrorLine(ctx context.Context, e *left4me.Error) string {
	text, hint := Error(ctx, e)
	if hint == "" {
		return text
	}
	return text + "; " + hint
}

// ErrorLineOf returns the ErrorLine of the part of an error that may be shown.
func ErrorLineOf(ctx context.Context, err error) string {
	if e, ok := left4me.Public(err); ok {
		return ErrorLine(ctx, e)
	}
	return err.Error()
}

// Reason returns why a server is in its state; may be empty.
func Reason(ctx context.Context, st left4me.Status) string {
	if st.Why != nil {
		return ErrorText(ctx, st.Why)
	}
	return shownError(st.Reason) // from a host with an older left4me
}

// Note returns the text of a note in the reader's language.
func Note(ctx context.Context, n left4me.Note) string {
	return shownError(n.RenderIn(locale.From(ctx)))
}

// NoteOr returns the text of a note in the reader's language, or text, which an older host sent
// without a note.
func NoteOr(ctx context.Context, n left4me.Note, text string) string {
	if n.IsZero() {
		return shownError(text)
	}
	return Note(ctx, n)
}

// ItemNote returns the reason for the state of a workshop item; may be empty.
func ItemNote(ctx context.Context, s left4me.WorkshopState) string {
	return shownError(s.NoteIn(locale.From(ctx)))
}

// StepNote returns the notes of a step in one line; may be empty.
func StepNote(ctx context.Context, s left4me.Step) string {
	return shownError(s.NoteIn(locale.From(ctx)))
}

// StepWarning returns the warnings of a step in one line; may be empty.
func StepWarning(ctx context.Context, s left4me.Step) string {
	return shownError(s.WarningIn(locale.From(ctx)))
}

// CheckNote returns the result of the last query to Steam; may be empty.
func CheckNote(ctx context.Context, g left4me.Game) string {
	return shownError(g.CheckNoteIn(locale.From(ctx)))
}

// Check returns what a check found and what to do about it, which may be empty and has
// commands between backquotes, in the reader's language and as Visible returns them.
func Check(ctx context.Context, c left4me.Check) (text, fix string) {
	text, fix = c.RenderIn(locale.From(ctx))
	return shownError(text), shownError(fix)
}

// CheckName returns the label of a check in the reader's language.
func CheckName(ctx context.Context, c left4me.Check) string {
	return shownError(c.NameIn(locale.From(ctx)))
}

// CheckText returns what a check found, without what to do about it.
func CheckText(ctx context.Context, c left4me.Check) string {
	text, _ := Check(ctx, c)
	return text
}

// Warning returns the finding of a warning and what to do about it, which may be empty, in the
// reader's language and as Visible returns them.
func Warning(ctx context.Context, w left4me.Warning) (text, hint string) {
	text, hint = w.RenderIn(locale.From(ctx))
	return shownError(text), shownError(hint)
}
