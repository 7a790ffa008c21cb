package revisions

import (
	"cmp"
	"context"
	"net/http"
	"strconv"

	"github.com/a-h/templ"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/filelist"
	"github.com/left4me/left4me/internal/web/page"
)

// diffView is the content of the page that compares two revisions. From is 0 for a comparison
// with no files.
type diffView struct {
	From, To int
	Page     left4me.Page[left4me.FileChange]
}

// diffView returns the page that compares two revisions.
func (p *Pages) diffView(r *http.Request, who accounts.Actor, name left4me.Name) (page.View, error) {
	o, err := p.Overlay.Page(r, who, name, "revisions")
	if err != nil {
		return page.View{}, err
	}
	q := r.URL.Query()
	number := func(field string) int {
		n, e := strconv.Atoi(cmp.Or(q.Get(field), "0"))
		if e != nil || n < 0 {
			err = page.ErrNoPage
		}
		return n
	}
	v := diffView{From: number("from"), To: cmp.Or(number("to"), o.Content.Current)}
	if err != nil {
		return page.View{}, err
	}
	list := page.LazyPart("differences", func(ctx context.Context) (templ.Component, error) {
		var err error
		v.Page, err = p.Overlays.Revisions().Diff(ctx, o.Name, v.From, v.To, q.Get("after"), filelist.PageSize)
		return diffList(o, v), err
	}, page.OnContent(), page.OnEnds(left4me.BuildOverlay.Noun()))
	return p.Overlay.View(r, who, o, list), nil
}
