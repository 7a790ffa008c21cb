package servers

import (
	"context"
	"net/http"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/locale"
	"github.com/left4me/left4me/internal/web/format"
	"github.com/left4me/left4me/internal/web/page"
)

// filesOverlays returns the files overlays to which the user may promote files.
func (p *files) filesOverlays(ctx context.Context, who accounts.Actor) (names []left4me.Name, err error) {
	all, err := p.pages.Overlays.List(ctx)
	for _, o := range all {
		if o.Kind == left4me.FilesOverlay && o.DeletedAt.IsZero() && page.May(who, accounts.Content, o.Target()).Act {
			names = append(names, o.Name)
		}
	}
	return names, err
}

// actOnWritten discards or promotes the selected files.
func (p *files) actOnWritten(w http.ResponseWriter, r *http.Request, who accounts.Actor, name left4me.Name) error {
	if err := r.ParseForm(); err != nil {
		return page.BadForm(err)
	}
	chosen := r.PostForm["path"]
	var job left4me.Job
	var err error
	switch r.PostForm.Get("do") {
	case "promote":
		var overlay left4me.Name
		overlay, err = left4me.ParseName(r.PostForm.Get("overlay"))
		if len(chosen) == 0 {
			err = left4me.NewError(left4me.Invalid, "file.none_chosen").InField("paths")
		} else if err == nil {
			err = page.Allow(who, accounts.Content, left4me.OnOverlay(overlay))
		}
		var from left4me.Target
		if err == nil {
			from, err = p.pages.Panel.Accounts.Target(r.Context(), left4me.ServerTarget, name)
		}
		if err == nil {
			err = page.Allow(who, accounts.Content, from) // the server may have been replaced by one of the same name
		}
		if err == nil {
			job, err = p.pages.Overlays.Build(r.Context(), who.Cause(), overlay, overlays.Request{
				Note:    locale.T(r.Context(), "servers.written.note", "server", name),
				Promote: &left4me.Promote{Server: name, Paths: chosen}, From: from.ID,
			})
		}
	default:
		job, err = p.pages.Servers.Files().Discard(r.Context(), who.Cause(), name, chosen)
	}
	if e, ok := page.Public(who, err); ok && e.Kind == left4me.Invalid {
		v, err := p.filesWith(r, who, name, true, seenFiles{Refusal: format.ErrorLine(r.Context(), e), Chosen: chosen})
		if err != nil {
			return err
		}
		return p.pages.Panel.Show(w, r, http.StatusUnprocessableEntity, v)
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, "/jobs/"+string(job.ID), http.StatusSeeOther)
	return nil
}
