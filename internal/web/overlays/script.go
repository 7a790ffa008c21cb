package overlays

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"

	"github.com/a-h/templ"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/format"
	"github.com/left4me/left4me/internal/web/jobs"
	"github.com/left4me/left4me/internal/web/overlays/overlay"
	"github.com/left4me/left4me/internal/web/page"
)

// scriptView is the content of the page that edits the script of an overlay.
type scriptView struct {
	Text     string
	Shown    int    // version whose text is shown; 0: the text was typed
	Version  string // version of the definition, to detect concurrent changes
	Versions []overlays.Script
	Problem  string
	Theirs   *string      // the saved script, if another user changed it in the meantime
	Run      *left4me.Job // the latest build, or nil
}

// scriptView returns the page of an overlay's script, with its versions and the latest run.
func (p *Pages) scriptView(r *http.Request, who accounts.Actor, name left4me.Name) (page.View, error) {
	o, err := p.Overlay.Page(r, who, name, "script")
	if err != nil {
		return page.View{}, err
	}
	if o.Script == nil {
		return page.View{}, page.ErrNoPage
	}
	v := scriptView{Text: o.Script.Text, Shown: o.Script.Version, Version: strconv.Itoa(o.Version)}
	if v.Versions, err = p.Overlays.Scripts(r.Context(), o.Name); err != nil {
		return page.View{}, err
	}
	if text := r.URL.Query().Get("version"); text != "" {
		i := slices.IndexFunc(v.Versions, func(s overlays.Script) bool { return strconv.Itoa(s.Version) == text })
		if i < 0 {
			return page.View{}, page.ErrNoPage
		}
		v.Text, v.Shown = v.Versions[i].Text, v.Versions[i].Version
	}
	v.Text = page.TextFor(who, o.Target())(v.Text)
	run := page.LazyPart("last-run", func(ctx context.Context) (templ.Component, error) {
		runs, err := p.Jobs.List(ctx, left4me.BuildOverlay.Noun(), o.Name, 20)
		if i := slices.IndexFunc(runs, func(j left4me.Job) bool { return j.Kind == left4me.BuildOverlay }); i >= 0 {
			run, err := p.Jobs.Get(ctx, runs[i].ID) // List returns jobs without logs
			if err != nil {
				return nil, err
			}
			run = jobs.For(who, run)
			v.Run = &run
		}
		return scriptRun(v), err
	}, page.OnWork(left4me.BuildOverlay.Noun(), o.Name))
	page := p.Overlay.View(r, who, o, p.Panel.Form(r, "script-form", scriptForm(o, v), page.OnContent()),
		page.Columns(run, page.NewPart("script-versions", scriptVersions(o, v), page.OnContent())))
	page.Scripts = []string{"editor.js"}
	return page, nil
}

// mayRun returns whether the user may save the script and run it, which builds a revision.
func mayRun(o overlay.Page) page.Permission {
	if may := o.May(accounts.Configure); !may.Act {
		return may
	}
	return o.May(accounts.Content)
}

// saveScript saves the script, and starts a build if the form asks for a run.
func (p *Pages) saveScript(w http.ResponseWriter, r *http.Request, who accounts.Actor, name left4me.Name) error {
	if err := r.ParseForm(); err != nil {
		return page.BadForm(err)
	}
	o, err := p.Overlay.Page(r, who, name, "script")
	if err != nil {
		return err
	}
	if o.Script == nil {
		return page.ErrNoPage
	}
	run := r.PostForm.Get("run") != ""
	if run { // before anything is saved, so that a denied request changes nothing
		if err := page.Allow(who, accounts.Content, left4me.OnOverlay(name)); err != nil {
			return err
		}
	}
	v := scriptView{Text: format.UnixLines(r.PostForm.Get("script")), Version: strconv.Itoa(o.Version)}
	def := o.Overlay
	def.Version, _ = strconv.Atoi(r.PostForm.Get("version")) // without a version, Update reports a conflict
	def.Script = &left4me.Script{Text: v.Text}
	if v.Text != o.Script.Text || def.Version != o.Version {
		_, err = p.Overlays.Update(r.Context(), who.Cause(), def)
	}
	if wrong, ok := page.ProblemsOf(r.Context(), who, err); ok {
		v.Problem = wrong.All()
		status := http.StatusUnprocessableEntity
		if errors.Is(err, left4me.Conflict) {
			status, v.Theirs = http.StatusConflict, &o.Script.Text
		}
		if page.FromScript(r) {
			return err
		}
		page, err := p.scriptView(r, who, name)
		if err != nil {
			return err
		}
		page.Form("script-form").Typed = scriptForm(o, v)
		return p.Panel.Show(w, r, status, page)
	}
	if err != nil {
		return err
	}
	if run {
		if _, err := p.Overlays.Build(r.Context(), who.Cause(), o.Name, overlays.Request{}); err != nil {
			return err
		}
	}
	http.Redirect(w, r, page.OverlayPath(o.Name, "/script"), http.StatusSeeOther)
	return nil
}
