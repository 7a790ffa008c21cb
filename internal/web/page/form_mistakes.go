package page

import (
	"bytes"
	"context"
	"io"
	"strings"

	"github.com/a-h/templ"
)

// mistake is a field with an invalid value.
type mistake struct{ ID, Label, Text string }

type mistakesKey struct{}

// NoteMistake adds a field to the summary of invalid fields above the form that is being rendered. It
// does nothing if problem is empty.
func NoteMistake(ctx context.Context, id, label, problem string) {
	if all, ok := ctx.Value(mistakesKey{}).(*[]mistake); ok && problem != "" {
		*all = append(*all, mistake{id, label, problem})
	}
}

// summed renders a form. If fields are invalid, a summary that links to them precedes the form, and the
// first invalid field gets the focus.
func summed(form templ.Component) templ.Component {
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		var wrong []mistake
		buf := buffers.Get().(*bytes.Buffer)
		defer buffers.Put(buf)
		buf.Reset()
		if err := form.Render(context.WithValue(ctx, mistakesKey{}, &wrong), buf); err != nil {
			return err
		}
		if len(wrong) == 0 {
			_, err := w.Write(buf.Bytes())
			return err
		}
		if err := unsavedMark().Render(ctx, w); err != nil {
			return err
		}
		if err := mistakeSummary(wrong).Render(ctx, w); err != nil {
			return err
		}
		// Quotes in texts are escaped, so the attribute can't match inside one.
		id := ` id="` + wrong[0].ID + `"`
		_, err := io.WriteString(w, strings.Replace(buf.String(), id, id+" autofocus", 1))
		return err
	})
}
