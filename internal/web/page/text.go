package page

import (
	"context"
	"fmt"
	"io"
	"maps"
	"strings"

	"github.com/a-h/templ"

	"github.com/left4me/left4me/internal/locale"
)

// Label makes a component of the words between two tags of a text, such as a link.
type Label func(words string) templ.Component

// Text is the text of key in the reader's language, for a text that contains markup. args
// are names and values in turn. A value may be what locale.T takes; a templ.Component for
// {name}; or a Label for <name>words</name>. A text without markup is written with locale.T.
func Text(key string, args ...any) templ.Component {
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		for _, piece := range locale.From(ctx).Pieces(key, args...) {
			var err error
			switch v := piece.Value.(type) {
			case nil:
				_, err = io.WriteString(w, templ.EscapeString(piece.Text))
			case templ.Component:
				err = v.Render(ctx, w)
			case Label:
				err = v(piece.Text).Render(ctx, w)
			default:
				err = fmt.Errorf("text %s: an argument is a %T", key, v)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// Link makes a link of words in a text.
func Link(path string) Label {
	return func(words string) templ.Component { return link(path, words) }
}

// Strong makes words in a text stand out.
var Strong Label = strong

// scriptTexts are the texts of the scripts of a page: of panel.js, which every page has,
// and of those that only this page has.
func scriptTexts(ctx context.Context, scripts []string) map[string]any {
	p := locale.From(ctx)
	all := p.Forms("script.panel.")
	maps.Copy(all, p.Forms("duration."))
	for _, name := range scripts {
		maps.Copy(all, p.Forms("script."+strings.TrimSuffix(name, ".js")+"."))
	}
	return all
}
