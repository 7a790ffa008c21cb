package web

import (
	"context"
	"net/http"
	"strings"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/left4me"
)

// overlayList is the list of overlays as its page shows it.
type overlayList struct {
	All     []overlays.View
	Deleted []overlays.View
	Filter  string
	May     may
}

func (p *panel) overlayList(ctx context.Context, who accounts.Actor, filter string) (overlayList, error) {
	l := overlayList{Filter: filter, May: mayOf(who)}
	all, err := p.Content.List(ctx)
	for _, v := range all {
		if v.DeletedAt.IsZero() {
			l.All = append(l.All, v)
		} else {
			l.Deleted = append(l.Deleted, v)
		}
	}
	return l, err
}

// matches reports whether an overlay is found by all words of the filter.
func (l overlayList) matches(v overlays.View) bool {
	text := findableOverlay(v)
	for word := range strings.FieldsSeq(strings.ToLower(l.Filter)) {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}

func (l overlayList) anyMatch() bool {
	for _, v := range l.All {
		if l.matches(v) {
			return true
		}
	}
	return false
}

// problem is why the host could not be asked, once for all overlays.
func (l overlayList) problem() string {
	for _, v := range l.All {
		if v.Problem != "" {
			return v.Problem
		}
	}
	return ""
}

// own and shared are bytes on disk. What is shared is counted by each that has
// it, so that no sum of it is told.
func (l overlayList) own() (n int64) {
	for _, v := range l.All {
		n += v.Content.Own
	}
	return n
}

// overlaysView is the list of overlays.
func (p *panel) overlaysView(r *http.Request, who accounts.Actor) (view, error) {
	l, err := p.overlayList(r.Context(), who, r.URL.Query().Get("q"))
	if err != nil {
		return view{}, err
	}
	f := p.frame(r, who, "Content", "overlays")
	all := []topic{onContent(), onRunning(), onEnds(left4me.BuildOverlay.Noun()), onEnds(left4me.CollectContent.Noun()), onEnds("server")}
	rows := make([]*part, len(l.All))
	for i, v := range l.All {
		rows[i] = showing("overlay-"+string(v.Name), overlayRow(v, l.matches(v)),
			append(all, onWork(left4me.BuildOverlay.Noun(), v.Name))...)
		f.Moving = f.Moving || v.Job != nil
	}
	table := showing("overlays", overlayTable(l, rows), all...)
	table.rows = rows
	return view{frame: f, body: []piece{showing("overlays-head", overlaysHead(l), onContent()), table, fixed(overlaysNone(l))}}, nil
}

// usedBy says who stacks an overlay.
func usedBy(v overlays.View) string {
	var parts []string
	if n := len(v.Blueprints); n > 0 {
		parts = append(parts, count(n, "blueprint", "blueprints"))
	}
	if n := len(v.Servers); n > 0 {
		parts = append(parts, count(n, "server", "servers"))
	}
	return strings.Join(parts, ", ")
}
