package overlay

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/jobs"
	"github.com/left4me/left4me/internal/web/page"
)

// DiffPath returns the address of the page that compares two revisions.
func DiffPath(n left4me.Name, from, to int) string {
	return page.OverlayPath(n, "/diff?from="+strconv.Itoa(from)+"&to="+strconv.Itoa(to))
}

// Page is an overlay as its pages show it, without servers and blueprints that the user may
// not see.
type Page struct {
	overlays.View
	Last  *left4me.Job      // the active job or the latest one; nil without jobs
	Moves *overlays.Restart // rollout of the latest revision that a scheduled update created, or nil
	May   page.Rights       // rights on the overlay
	who   accounts.Actor
	Tab   string
}

// Page reads an overlay for its page with the given tab; tab "" is for pages without tabs.
// Errors: left4me.NotFound.
func (p *Core) Page(r *http.Request, who accounts.Actor, name left4me.Name, tab string) (Page, error) {
	v, err := p.Overlays.Get(r.Context(), name)
	if err != nil {
		return Page{}, err
	}
	o := Page{View: Visible(who, v), Last: v.Job, May: page.RightsOn(who, left4me.OnOverlay(name)), who: who, Tab: tab}
	if o.Moves, err = p.Overlays.Restart(r.Context(), name); err != nil {
		return o, err
	}
	if o.Moves != nil {
		o.Moves = visibleMoves(who, *o.Moves)
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
		last := jobs.For(who, *o.Last)
		o.Last = &last
	}
	return o, nil
}

// Visible returns v without the servers and blueprints that the user may not see.
func Visible(who accounts.Actor, v overlays.View) overlays.View {
	v.Blueprints = accounts.Visible(who, v.Blueprints, left4me.OnBlueprint)
	v.Servers = accounts.Visible(who, v.Servers, left4me.OnServer)
	v.Behind = accounts.Visible(who, v.Behind, func(b overlays.Behind) left4me.Target { return left4me.OnServer(b.Server) })
	v.Content.Revisions = slices.Clone(v.Content.Revisions)
	for i, rev := range v.Content.Revisions {
		v.Content.Revisions[i].Servers = accounts.Visible(who, rev.Servers, left4me.OnServer)
	}
	return v
}

// Topics returns the topics whose changes every part of an overlay's pages may show.
func Topics(n left4me.Name) []page.Topic {
	return []page.Topic{page.OnContent(), page.OnWork(left4me.BuildOverlay.Noun(), n), page.OnRunning()}
}

// Read calls of, which reads data of the overlay from its host. If of returns
// left4me.NotFound and the overlay has changed since o was read, Read updates o and calls of
// once more, because a build or a deletion may have removed what of looked for.
func (p *Core) Read(ctx context.Context, o *Page, of func(o Page) error) error {
	err := of(*o)
	if !errors.Is(err, left4me.NotFound) {
		return err
	}
	now, nerr := p.Overlays.Get(ctx, o.Name)
	if nerr != nil || now.Content.Current == o.Content.Current && now.Content.DeletedAt.Equal(o.Content.DeletedAt) {
		return err
	}
	o.View = Visible(o.who, now)
	return of(*o)
}

// Aside reports whether the overlay is deleted or is being deleted, so that its files cannot
// be read.
func (o Page) Aside() bool {
	return !o.DeletedAt.IsZero() || !o.Content.DeletedAt.IsZero() || o.Job != nil && o.Job.Kind == left4me.DeleteOverlay
}

// View returns a page of an overlay: the parts that each page has, followed by body.
func (p *Core) View(r *http.Request, who accounts.Actor, o Page, body ...page.Piece) page.View {
	f := p.Panel.Frame(r, who, string(o.Name), "overlays")
	f.Moving = o.Job != nil
	on := Topics(o.Name)
	return page.View{Frame: f, Body: append([]page.Piece{
		page.Fixed(contentCrumbs()), page.NewPart("overlay-head", overlayHead(o), on...),
		page.NewPart("overlay-tabs", overlayTabs(o), on...),
		page.NewPart("overlay-work", overlayWork(o, time.Now()), on...),
		page.NewPart("overlay-next", overlayNext(o), on...),
		page.NewPart("overlay-behind", overlayBehind(o), on...),
		page.NewPart("overlay-rollout", overlayRollout(o), append(on, page.OnEnds("server"))...),
	}, body...)}
}

// unused reports whether the overlay was published and nobody uses it yet.
func (o Page) unused() bool {
	return o.Content.Current > 0 && o.Job == nil && !o.Aside() && len(o.Servers)+len(o.Blueprints) == 0
}

// SeesUploads reports whether the user may see the list of all uploads.
func (o Page) SeesUploads() bool { return page.May(o.who, accounts.SiteRight, left4me.Site).Act }

// WantedRevision returns the revision that the query of a request names, or 0 if it names
// none, for the current revision.
func WantedRevision(r *http.Request) (int, error) {
	text := r.FormValue("rev")
	if text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0, page.ErrNoPage
	}
	return n, nil
}

// errNoRevision is the error for a revision that does not exist or was deleted.
var errNoRevision = left4me.NewError(left4me.NotFound, "revision.gone")

// Detailed returns the details of revision n; 0 is the current revision. It returns a zero
// Revision if the overlay has none or its host does not answer, which the header reports.
// Errors: left4me.NotFound.
func (p *Core) Detailed(ctx context.Context, o *Page, n int) (rev left4me.Revision, err error) {
	err = p.Read(ctx, o, func(o Page) error {
		rev = left4me.Revision{}
		if o.Aside() || o.Content.Current == 0 && n == 0 {
			return nil
		}
		c, err := p.Overlays.Revisions().Get(ctx, o.Name, n)
		if e, ok := page.Public(o.who, err); ok && e.Kind == left4me.Unavailable {
			return nil // the head of the page says so
		}
		if err != nil {
			return err
		}
		var ok bool
		if rev, ok = RevisionOf(c, n); !ok {
			return errNoRevision
		}
		return nil
	})
	return rev, err
}
