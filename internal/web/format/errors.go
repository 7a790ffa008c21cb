package format

import "github.com/left4me/left4me/internal/left4me"

// maxError bounds what is shown of a text, in bytes.
const maxError = 8 << 10

// Error is what an error says to people, and what they can do about it, which may be
// empty, both as Visible has them: parts of them may be from outside. It is the one
// place of the panel where texts are made of codes.
func Error(e *left4me.Error) (text, hint string) {
	text, hint = e.Render()
	return shownError(text), shownError(hint)
}

func shownError(text string) string {
	if len(text) > maxError {
		text = left4me.Clip(text, maxError)
	}
	return Visible(text)
}

// ErrorText is what an error says, without what can be done about it.
func ErrorText(e *left4me.Error) string {
	text, _ := Error(e)
	return text
}

// ErrorHint is what can be done about an error.
func ErrorHint(e *left4me.Error) string {
	_, hint := Error(e)
	return hint
}

// ErrorLine is both in one line.
func ErrorLine(e *left4me.Error) string {
	text, hint := Error(e)
	if hint == "" {
		return text
	}
	return text + "; " + hint
}

// ErrorLineOf is ErrorLine of the part of an error that may be shown.
func ErrorLineOf(err error) string {
	if e, ok := left4me.Public(err); ok {
		return ErrorLine(e)
	}
	return err.Error()
}

// Reason is why a server is in its state; empty when there is nothing to say.
func Reason(st left4me.Status) string {
	if st.Why != nil {
		return ErrorText(st.Why)
	}
	return shownError(st.Reason) // a host of an older build told it
}
