package servers

import (
	"context"
	"net/http"
	"strings"

	"github.com/a-h/templ"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/filelist"
	"github.com/left4me/left4me/internal/web/page"
)

// seenFile is a file in the merged layers of a server.
type seenFile struct {
	filelist.View
	Path   string
	Answer overlays.FileAnswer
	Text   overlays.Text
	IsText bool
}

// fileView shows a file in the merged layers of a server.
func (p *files) fileView(r *http.Request, who accounts.Actor, name left4me.Name) (page.View, error) {
	s, err := p.pages.serverPage(r, who, name, "files")
	if err != nil {
		return page.View{}, err
	}
	text := page.LazyPart("server-file", func(ctx context.Context) (templ.Component, error) {
		v := seenFile{View: filelist.View{Current: true, Base: s.address("/files")}, Path: strings.Trim(r.URL.Query().Get("path"), "/")}
		var err error
		if v.Answer, err = p.pages.Servers.Files().Get(ctx, s.Name, v.Path, ""); err != nil {
			return nil, err
		}
		v.Text, v.IsText, err = p.pages.Overlays.TextOf(ctx, v.Answer.Data)
		v.IsText = v.IsText && v.Answer.Size == int64(len(v.Answer.Data))
		return seenFileText(s, v), err
	}, page.OnRun(s.Name), page.OnContent(), page.OnEnds(left4me.BuildOverlay.Noun()), page.OnEnds("server"))
	return p.pages.serverView(r, who, s, page.Fixed(fileViews(s, "")), text), nil
}
