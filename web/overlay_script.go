package web

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/left4me/left4me"
	"github.com/left4me/left4me/control/accounts"
	"github.com/left4me/left4me/control/content"
)

// scriptView is the script of an overlay as it is edited.
type scriptView struct {
	Text     string
	Shown    int // version that the text is of; 0: it was typed
	Version  string
	Versions []content.Script
	Problem  string
	Theirs   *string
	Run      *left4me.Job // the last one
}

func (p *panel) showScript(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	o, err := p.overlayPage(r, who, "script")
	if err != nil {
		return err
	}
	if o.Script == nil {
		return errNoPage
	}
	v := scriptView{Text: o.Script.Text, Shown: o.Script.Version, Version: strconv.Itoa(o.Version)}
	if text := r.URL.Query().Get("version"); text != "" {
		all, err := p.Content.Scripts(r.Context(), o.Name)
		if err != nil {
			return err
		}
		found := false
		for _, s := range all {
			if strconv.Itoa(s.Version) == text {
				v.Text, v.Shown, found = s.Text, s.Version, true
			}
		}
		if !found {
			return errNoPage
		}
	}
	return p.renderScript(w, r, who, http.StatusOK, o, v)
}

func (p *panel) renderScript(w http.ResponseWriter, r *http.Request, who accounts.Actor, status int, o overlayPage, v scriptView) error {
	var err error
	if v.Versions, err = p.Content.Scripts(r.Context(), o.Name); err != nil {
		return err
	}
	runs, err := p.Jobs.List(r.Context(), left4me.BuildOverlay.Noun(), o.Name, 20)
	if err != nil {
		return err
	}
	for _, j := range runs {
		if j.Kind == left4me.BuildOverlay && len(j.Log) > 0 {
			v.Run = &j
			break
		}
	}
	f := p.overlayFrame(r, who, o)
	f.Scripts = []string{"editor.js"}
	return p.render(w, r, status, scriptPage(f, o, v))
}

// saveScript changes the script, and runs it when that was asked for.
func (p *panel) saveScript(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	if err := r.ParseForm(); err != nil {
		return badForm(err)
	}
	o, err := p.overlayPage(r, who, "script")
	if err != nil {
		return err
	}
	if o.Script == nil {
		return errNoPage
	}
	v := scriptView{Text: unixLines(r.PostForm.Get("script")), Version: strconv.Itoa(o.Version)}
	def := o.Overlay
	def.Version, _ = strconv.Atoi(r.PostForm.Get("version")) // what has no version is nobody's
	def.Script = &left4me.Script{Text: v.Text}
	if v.Text != o.Script.Text || def.Version != o.Version {
		_, err = p.Content.UpdateOverlay(r.Context(), who.Name, def)
	}
	if wrong, ok := problemsOf(err); ok {
		v.Problem = wrong.all()
		status := http.StatusUnprocessableEntity
		if errors.Is(err, left4me.Conflict) {
			status, v.Theirs = http.StatusConflict, &o.Script.Text
		}
		if live(r) {
			return err
		}
		return p.renderScript(w, r, who, status, o, v)
	}
	if err != nil {
		return err
	}
	if r.PostForm.Get("run") != "" {
		if _, err := p.Content.Build(r.Context(), who.Name, o.Name, content.Request{}); err != nil {
			return err
		}
	}
	http.Redirect(w, r, overlayPath(o.Name, "/script"), http.StatusSeeOther)
	return nil
}
