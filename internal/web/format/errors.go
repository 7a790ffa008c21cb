package format

import (
	"context"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/locale"
)

// maxError bounds what is shown of a text, in bytes.
const maxError = 8 << 10

// Error returns the text of an error and the hint for what to do about it, which may be
// empty, in the reader's language and as Visible returns them: arguments may come from
// outside. It is the only place in the panel that makes texts of error codes.
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

// ErrorText is what an error says, without what can be done about it.
func ErrorText(ctx context.Context, e *left4me.Error) string {
	text, _ := Error(ctx, e)
	return text
}

// ErrorHint is what can be done about an error.
func ErrorHint(ctx context.Context, e *left4me.Error) string {
	_, hint := Error(ctx, e)
	return hint
}

// ErrorLine is both in one line.
func ErrorLine(ctx context.Context, e *left4me.Error) string {
	text, hint := Error(ctx, e)
	if hint == "" {
		return text
	}
	return text + "; " + hint
}

// ErrorLineOf is ErrorLine of the part of an error that may be shown.
func ErrorLineOf(ctx context.Context, err error) string {
	if e, ok := left4me.Public(err); ok {
		return ErrorLine(ctx, e)
	}
	return err.Error()
}

// Reason is why a server is in its state; empty when there is nothing to say.
func Reason(ctx context.Context, st left4me.Status) string {
	if st.Why != nil {
		return ErrorText(ctx, st.Why)
	}
	return shownError(st.Reason) // a host of an older build told it
}
