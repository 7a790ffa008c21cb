package web

import (
	"context"
	"net/http"
	"strings"

	"github.com/left4me/left4me"
	"github.com/left4me/left4me/control/accounts"
	"github.com/left4me/left4me/control/content"
)

// overlayList is the list of overlays as its page shows it.
type overlayList struct {
	All     []content.View
	Deleted []content.View
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
func (l overlayList) matches(v content.View) bool {
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

func (p *panel) listOverlays(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	l, err := p.overlayList(r.Context(), who, r.URL.Query().Get("q"))
	if err != nil {
		return err
	}
	f := p.frame(r, who, "Content", "overlays")
	f.Live = "/overlays/live"
	for _, v := range l.All {
		f.Moving = f.Moving || v.Job != nil
	}
	return p.render(w, r, http.StatusOK, overlaysPage(f, l))
}

// followOverlays sends the row of an overlay whose job moves on, and the whole
// list when one came, went or ended.
func (p *panel) followOverlays(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	return p.stream(w, r, func(ctx context.Context, send func(event)) error {
		have := sent{}
		views := map[left4me.Name]content.View{}
		whole := func() error {
			l, err := p.overlayList(ctx, who, "")
			if err != nil {
				return err
			}
			clear(views)
			for _, v := range l.All {
				views[v.Name] = v
			}
			e, fresh, err := have.fresh(ctx, "", overlayTable(l))
			if fresh {
				send(e)
			}
			return err
		}
		changes := p.Jobs.WatchAll(ctx)
		if err := whole(); err != nil {
			return err
		}
		for j := range changes {
			if n := j.Kind.Noun(); n != left4me.BuildOverlay.Noun() && n != left4me.CollectContent.Noun() {
				continue
			}
			v, known := views[j.Target]
			if !known || j.State.Ended() || v.Job == nil || v.Job.ID != j.ID {
				if err := whole(); err != nil {
					return err
				}
				continue
			}
			v.Job = &j
			views[j.Target] = v
			e, fresh, err := have.fresh(ctx, string(v.Name), overlayRow(v, true))
			if err != nil {
				return err
			}
			if fresh {
				send(e)
			}
		}
		return nil
	})
}

// usedBy says who stacks an overlay.
func usedBy(v content.View) string {
	var parts []string
	if n := len(v.Blueprints); n > 0 {
		parts = append(parts, count(n, "blueprint", "blueprints"))
	}
	if n := len(v.Servers); n > 0 {
		parts = append(parts, count(n, "server", "servers"))
	}
	return strings.Join(parts, ", ")
}
