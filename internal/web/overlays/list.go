package overlays

import (
	"cmp"
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/locale"
	"github.com/left4me/left4me/internal/web/format"
	"github.com/left4me/left4me/internal/web/overlays/overlay"
	"github.com/left4me/left4me/internal/web/page"
)

// filterText returns the text that the filter of the list searches for an overlay, in lower
// case.
func filterText(ctx context.Context, v overlays.View) string {
	words := []string{string(v.Name), v.Note, overlay.KindOf(v.Kind).Label(ctx)}
	for _, n := range v.Blueprints {
		words = append(words, string(n))
	}
	for _, n := range v.Servers {
		words = append(words, string(n))
	}
	return strings.ToLower(format.Visible(strings.Join(words, " ")))
}

// overlayList is the list of overlays as the page shows it.
type overlayList struct {
	All     []overlays.View
	Deleted []overlays.View
	Filter  string
	May     page.Permission // permission to create an overlay
	Tidy    page.Permission // permission to start a cleanup
	Order   page.Order
	who     accounts.Actor
}

// byColumn compares overlays by a column of the list.
func byColumn(by string) func(a, b overlays.View) int {
	return func(a, b overlays.View) int {
		switch by {
		case "revision":
			return revisionTime(a).Compare(revisionTime(b))
		case "used":
			return cmp.Compare(len(a.Servers)+len(a.Blueprints), len(b.Servers)+len(b.Blueprints))
		case "size":
			return cmp.Compare(a.Content.Own, b.Content.Own)
		}
		return cmp.Compare(a.Name, b.Name)
	}
}

// revisionTime returns when the current revision of an overlay was created, or the zero time.
func revisionTime(v overlays.View) time.Time {
	rev, _ := overlay.RevisionOf(v.Content, 0)
	return rev.CreatedAt
}

func (p *Pages) overlayList(ctx context.Context, who accounts.Actor, filter string) (overlayList, error) {
	l := overlayList{
		Filter: filter, May: page.May(who, accounts.Manage, left4me.Target{Kind: left4me.OverlayTarget}),
		Tidy: page.May(who, accounts.SiteRight, left4me.Site), who: who,
	}
	all, err := p.Overlays.List(ctx)
	for _, v := range accounts.Visible(who, all, func(v overlays.View) left4me.Target { return v.Target() }) {
		v = overlay.Visible(who, v)
		if v.DeletedAt.IsZero() {
			l.All = append(l.All, v)
		} else {
			l.Deleted = append(l.Deleted, v)
		}
	}
	return l, err
}

// matches reports whether the filter text of an overlay contains all words of the filter.
func (l overlayList) matches(ctx context.Context, v overlays.View) bool {
	text := filterText(ctx, v)
	for word := range strings.FieldsSeq(strings.ToLower(l.Filter)) {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}

func (l overlayList) anyMatch(ctx context.Context) bool {
	for _, v := range l.All {
		if l.matches(ctx, v) {
			return true
		}
	}
	return false
}

// problem returns why the host did not answer, or "". The list shows it once, above the table.
func (l overlayList) problem() string {
	for _, v := range l.All {
		if v.Problem != "" {
			return v.Problem
		}
	}
	return ""
}

// own returns the bytes on disk of all overlays, without shared files. Each overlay counts
// the shared files that it has, so their sum would count files several times.
func (l overlayList) own() (n int64) {
	for _, v := range l.All {
		n += v.Content.Own
	}
	return n
}

// listView returns the page with the list of overlays.
func (p *Pages) listView(r *http.Request, who accounts.Actor) (page.View, error) {
	l, err := p.overlayList(r.Context(), who, r.URL.Query().Get("q"))
	if err != nil {
		return page.View{}, err
	}
	l.Order = page.OrderOf(r, "name", "revision", "used", "size")
	page.Sort(l.Order, l.All, byColumn(l.Order.By))
	f := p.Panel.Frame(r, who, locale.T(r.Context(), "overlays.title"), "overlays")
	all := []page.Topic{
		page.OnContent(), page.OnRunning(), page.OnEnds(left4me.BuildOverlay.Noun()),
		page.OnEnds(left4me.CollectContent.Noun()), page.OnEnds("server"),
	}
	rows := make([]*page.Part, len(l.All))
	for i, v := range l.All {
		rows[i] = page.NewPart("overlay-"+string(v.Name), overlayRow(v, l.matches(r.Context(), v)),
			append(all, page.OnWork(left4me.BuildOverlay.Noun(), v.Name))...)
		f.Moving = f.Moving || v.Job != nil
	}
	table := page.NewPart("overlays", overlayTable(l, rows), all...)
	table.Rows = rows
	return page.View{
		Frame: f,
		Body:  []page.Piece{page.NewPart("overlays-head", overlaysHead(l), page.OnContent()), table, page.Fixed(overlaysNone(l))},
	}, nil
}
