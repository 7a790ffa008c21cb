package backups

import (
	"net/http"
	"net/url"
	"slices"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/backups"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/locale"
	"github.com/left4me/left4me/internal/web/page"
)

// part is a server or an overlay in a backup.
type part struct {
	Backup  left4me.Name
	Kind    left4me.TargetKind
	Name    left4me.Name
	Bytes   int64 // -1: unknown
	Deleted bool  // it was deleted when the backup was made
	Present bool  // something has its name now
}

func (p part) path(what string) string {
	return "/backups/" + string(p.Backup) + "/" + what + "?" +
		url.Values{"kind": {string(p.Kind)}, "name": {string(p.Name)}}.Encode()
}

func (p *Pages) restores() backups.Restores {
	return backups.Restores{Backups: p.Backups, Servers: p.Panel.Servers, Overlays: p.Panel.Overlays}
}

// parts returns what can be restored from a backup and is visible to who: servers first.
func (p *Pages) parts(r *http.Request, who accounts.Actor, name left4me.Name) (all []part, b left4me.Backup, err error) {
	c, err := p.Backups.Contents(r.Context(), name)
	if err != nil {
		return nil, b, err
	}
	c = c.VisibleTo(who)
	servers, err := p.Panel.Servers.List(r.Context())
	if err != nil {
		return nil, b, err
	}
	overlays, err := p.Panel.Overlays.List(r.Context())
	if err != nil {
		return nil, b, err
	}
	present := map[left4me.Target]bool{}
	for _, s := range servers {
		present[left4me.OnServer(s.Name)] = true
	}
	for _, o := range overlays {
		if o.DeletedAt.IsZero() {
			present[left4me.OnOverlay(o.Name)] = true
		}
	}
	for _, s := range c.Servers {
		all = append(all, part{name, left4me.ServerTarget, s.Name, s.Bytes, s.Deleted, present[left4me.OnServer(s.Name)]})
	}
	for _, o := range c.Overlays {
		all = append(all, part{name, left4me.OverlayTarget, o.Name, o.Bytes, false, present[left4me.OnOverlay(o.Name)]})
	}
	return all, c.Backup, nil
}

// contentsView returns the page that lists what is in a backup.
func (p *Pages) contentsView(r *http.Request, who accounts.Actor, name left4me.Name) (page.View, error) {
	all, b, err := p.parts(r, who, name)
	if err != nil {
		return page.View{}, err
	}
	on := []page.Topic{page.OnBackups(), page.OnEnds(left4me.CreateBackup.Noun()), page.OnDefinitions(), page.OnContent()}
	return page.View{Frame: p.Panel.Frame(r, who, locale.T(r.Context(), "backups.contents.title"), "backups"), Body: []page.Piece{
		page.NewPart("backup-head", contentsHead(b), on...), page.NewPart("backup-parts", contentsTable(all), on...),
	}}, nil
}

// part returns the part of a backup that a request names. Errors: left4me.NotFound.
func (p *Pages) part(r *http.Request, who accounts.Actor, backup left4me.Name, form url.Values) (part, error) {
	all, _, err := p.parts(r, who, backup)
	if err != nil {
		return part{}, err
	}
	i := slices.IndexFunc(all, func(v part) bool { return string(v.Kind) == form.Get("kind") && string(v.Name) == form.Get("name") })
	if i < 0 {
		return part{}, page.ErrNoPage
	}
	return all[i], nil
}

// replaceView returns the page that asks for confirmation before something is replaced.
func (p *Pages) replaceView(r *http.Request, who accounts.Actor, name left4me.Name) (page.View, error) {
	v, err := p.part(r, who, name, r.URL.Query())
	if err != nil {
		return page.View{}, err
	}
	return p.replaceWith(r, who, v, "", ""), nil
}

func (p *Pages) replaceWith(r *http.Request, who accounts.Actor, v part, typed, problem string) page.View {
	return page.View{
		Frame: p.Panel.Frame(r, who, locale.T(r.Context(), "backups.replace.title", "name", v.Name), "backups"),
		Body: []page.Piece{
			p.Panel.Form(r, "replace", replaceForm(v, "", ""), page.OnBackups()).As(replaceForm(v, typed, problem)),
		},
	}
}

// restorePart restores a server or an overlay: next to what exists or, with the confirmed name, in its
// place.
func (p *Pages) restorePart(w http.ResponseWriter, r *http.Request, who accounts.Actor, name left4me.Name) error {
	if err := r.ParseForm(); err != nil {
		return page.BadForm(err)
	}
	v, err := p.part(r, who, name, r.PostForm)
	if err != nil {
		return err
	}
	how := backups.How{Replace: r.PostForm.Get("how") == "replace"}
	if typed := r.PostForm.Get("confirm"); how.Replace && typed != string(v.Name) {
		mismatch := locale.T(r.Context(), "common.confirm.mismatch", "name", v.Name)
		return p.Panel.Show(w, r, http.StatusUnprocessableEntity, p.replaceWith(r, who, v, typed, mismatch))
	}
	restore := p.restores().Server
	if v.Kind == left4me.OverlayTarget {
		restore = p.restores().Overlay
	}
	job, err := restore(r.Context(), who.Cause(), name, v.Name, how)
	if err != nil {
		return err
	}
	http.Redirect(w, r, "/jobs/"+string(job.ID), http.StatusSeeOther)
	return nil
}
