package web

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/left4me"
)

// overlayPage is an overlay as its page shows it.
type overlayPage struct {
	overlays.View
	Last  *left4me.Job      // the job under way, or the last one; nil when there never was one
	Moves *overlays.Restart // how servers move over to a revision that came by itself; nil when none ever did
	May   may
	Tab   string
}

func (p *panel) overlayPage(r *http.Request, who accounts.Actor, tab string) (overlayPage, error) {
	name, err := pathName(r)
	if err != nil {
		return overlayPage{}, err
	}
	v, err := p.Content.Get(r.Context(), name)
	if err != nil {
		return overlayPage{}, err
	}
	o := overlayPage{View: v, Last: v.Job, May: mayOf(who), Tab: tab}
	if o.Moves, err = p.Content.Restart(r.Context(), name); err != nil {
		return o, err
	}
	if o.Last == nil {
		last, err := p.Jobs.List(r.Context(), left4me.BuildOverlay.Noun(), name, 1)
		if err != nil {
			return o, err
		}
		if len(last) > 0 {
			o.Last = &last[0]
		}
	}
	if o.Last != nil {
		last := jobFor(who, *o.Last)
		o.Last = &last
	}
	return o, nil
}

// onOverlay is what every part of an overlay's page depends on.
func onOverlay(n left4me.Name) []topic {
	return []topic{onContent(), onWork(left4me.BuildOverlay.Noun(), n), onRunning()}
}

// read reads something of an overlay on its host. What is gone there while it is read
// may be gone because the overlay is another now: then it is read once more.
func (p *panel) read(ctx context.Context, o *overlayPage, of func(o overlayPage) error) error {
	err := of(*o)
	if !errors.Is(err, left4me.NotFound) {
		return err
	}
	now, nerr := p.Content.Get(ctx, o.Name)
	if nerr != nil || now.Content.Current == o.Content.Current && now.Content.DeletedAt.Equal(o.Content.DeletedAt) {
		return err
	}
	o.View = now
	return of(*o)
}

// aside reports whether the files of an overlay are set aside, so that there are none
// to look at.
func (o overlayPage) aside() bool {
	return !o.DeletedAt.IsZero() || !o.Content.DeletedAt.IsZero() || o.Job != nil && o.Job.Kind == left4me.DeleteOverlay
}

// overlayView is a page of an overlay, with what stands on each of them.
func (p *panel) overlayView(r *http.Request, who accounts.Actor, o overlayPage, body ...piece) view {
	f := p.frame(r, who, string(o.Name), "overlays")
	f.Moving = o.Job != nil
	on := onOverlay(o.Name)
	return view{frame: f, body: append([]piece{
		fixed(contentCrumbs()), showing("overlay-head", overlayHead(o), on...), showing("overlay-tabs", overlayTabs(o), on...),
		showing("overlay-work", overlayWork(o, time.Now()), on...),
		showing("overlay-behind", overlayBehind(o), on...), showing("overlay-moves", overlayMoves(o), append(on, onEnds("server"))...),
	}, body...)}
}

// overlayTabs are the parts of an overlay's page.
func (o overlayPage) tabs() []tab {
	tabs := []tab{{"contents", "Contents", ""}}
	switch o.Kind {
	case left4me.WorkshopOverlay:
		tabs = append([]tab{{"items", "Items", "/items"}}, tabs...)
	case left4me.ScriptOverlay:
		tabs = append(tabs, tab{"script", "Script", "/script"})
	}
	problems := "Problems"
	if n := warned(o.Content); n > 0 {
		problems += " " + strconv.Itoa(n)
	}
	return append(tabs, tab{"revisions", "Revisions", "/revisions"}, tab{"problems", problems, "/problems"},
		tab{"campaigns", "Campaigns", "/campaigns"}, tab{"settings", "Settings", "/settings"})
}

// wantedRevision is the revision that an address names; 0 is the current one.
func wantedRevision(r *http.Request) (int, error) {
	text := r.FormValue("rev")
	if text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0, errNoPage
	}
	return n, nil
}

// buildOverlay asks for a revision of what the definition says.
func (p *panel) buildOverlay(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	n, err := pathName(r)
	if err != nil {
		return err
	}
	if _, err := p.Content.Build(r.Context(), who.Name, n, overlays.Request{}); err != nil {
		return err
	}
	return done(w, r, overlayPath(n))
}

// repairTexts makes a revision in which a text is as it looks, or all are.
func (p *panel) repairTexts(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	n, err := pathName(r)
	if err != nil {
		return err
	}
	change := left4me.Change{Repair: []string{r.FormValue("path")}}
	if _, err := p.Content.Build(r.Context(), who.Name, n, overlays.Request{Change: &change}); err != nil {
		return err
	}
	return done(w, r, overlayPath(n, "/problems"))
}

// cancelMoves leaves servers that have not moved over to a revision as they are.
func (p *panel) cancelMoves(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	n, err := pathName(r)
	if err != nil {
		return err
	}
	if _, err := p.Content.CancelRestart(r.Context(), who.Name, n); err != nil {
		return err
	}
	return done(w, r, overlayPath(n))
}

func (p *panel) restoreOverlay(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	n, err := pathName(r)
	if err != nil {
		return err
	}
	if _, err := p.Content.Restore(r.Context(), who.Name, n); err != nil {
		return err
	}
	return done(w, r, overlayPath(n))
}

func (p *panel) collectContent(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	j, err := p.Content.Collect(r.Context(), who.Name)
	if err != nil {
		return err
	}
	http.Redirect(w, r, "/jobs/"+string(j.ID), http.StatusSeeOther)
	return nil
}
