package page

import (
	"bytes"
	"context"
	"io"
	"strings"

	"github.com/a-h/templ"
)

// mistake is a field that is wrong, in the order of the form.
type mistake struct{ ID, Label, Text string }

type mistakesKey struct{}

// NoteMistake tells whoever renders a form of a field that is wrong; without a problem it
// does nothing.
func NoteMistake(ctx context.Context, id, label, problem string) {
	if all, ok := ctx.Value(mistakesKey{}).(*[]mistake); ok && problem != "" {
		*all = append(*all, mistake{id, label, problem})
	}
}

// summed renders a form. When fields of it are wrong, a summary that leads to them
// stands above it, and the first of them has the focus.
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
		if err := mistakeSummary(wrong).Render(ctx, w); err != nil {
			return err
		}
		// No text of anybody has an unescaped quote.
		id := ` id="` + wrong[0].ID + `"`
		_, err := io.WriteString(w, strings.Replace(buf.String(), id, id+" autofocus", 1))
		return err
	})
}
