package filelist

import (
	"context"
	"io"
	"strings"

	"github.com/a-h/templ"

	"github.com/left4me/left4me/internal/web/format"
)

// Path shows a path that lines break after its slashes, so that no name is broken where the path is too
// long for its column.
func Path(p string) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		_, err := io.WriteString(w, strings.ReplaceAll(templ.EscapeString(format.Visible(p)), "/", "/<wbr>"))
		return err
	})
}
