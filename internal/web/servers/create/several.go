package create

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/locale"
	"github.com/left4me/left4me/internal/web/page"
	"github.com/left4me/left4me/internal/web/settings"
)

// severalForm is the input of the form that creates several servers from a blueprint.
type severalForm struct {
	Blueprint           left4me.Name
	Count, Names, First string
	Start               bool

	Plan      []left4me.Server // the servers that would be created
	Problems  page.Problems
	Changed   bool // the plan is not the one that the user saw
	Installed bool
	Game      bool
}

// readSeveral parses the values of a form or of an address.
func readSeveral(v url.Values, blueprint left4me.Name) severalForm {
	trimmed := func(field string) string { return strings.TrimSpace(v.Get(field)) }
	return severalForm{
		Blueprint: blueprint, Count: cmp.Or(trimmed("count"), "2"), First: trimmed("first_port"), Start: v.Get("start") != "",
		Names: cmp.Or(trimmed("names"), string(blueprint)+"-#"),
	}
}

// several returns the request of the form.
func (f severalForm) several() (servers.Several, error) {
	v := servers.Several{Blueprint: f.Blueprint, Names: f.Names}
	n, err := strconv.Atoi(f.Count)
	if err != nil {
		err = left4me.NewError(left4me.Invalid, "number.invalid").InField("count")
	}
	v.Count = n
	var wrong error
	v.FirstPort, wrong = settings.PortOf("first_port", f.First)
	return v, page.JoinMistakes(err, wrong)
}

// planned is the plan as a value of the form, so that only the servers that the user saw are created.
func (f severalForm) planned() string {
	var all []string
	for _, v := range f.Plan {
		all = append(all, fmt.Sprintf("%s:%d", v.Name, v.Port))
	}
	return strings.Join(all, " ")
}

// plan fills in the servers that the form would create, or its problems.
func (p *Pages) plan(ctx context.Context, who accounts.Actor, form *severalForm) error {
	said, _ := p.Game.LastAnswer(p.Hosts.Default())
	form.Installed, form.Game = said.Current > 0, page.Sees(who, left4me.Site)
	v, err := form.several()
	all, planErr := p.Servers.Creation().PlanSeveral(ctx, v)
	if err == nil {
		form.Plan, err = all, planErr
	} else {
		err = page.JoinMistakes(err, planErr) // all problems at once
	}
	if wrong, ok := page.ProblemsOf(ctx, who, err); ok {
		form.Problems = wrong
		return nil
	}
	return err
}

// severalView shows the form that creates several servers from a blueprint, with their names and
// ports.
func (p *Pages) severalView(r *http.Request, who accounts.Actor, name left4me.Name) (page.View, error) {
	if err := accounts.Allow(who, accounts.Manage, anyServer); err != nil {
		return page.View{}, err
	}
	if _, err := p.Overlays.Blueprints().Get(r.Context(), name); err != nil {
		return page.View{}, err
	}
	form := readSeveral(r.URL.Query(), name)
	form.Start = r.URL.Query().Get("count") == "" || form.Start
	now := page.Deferred(func(ctx context.Context) (templ.Component, error) {
		err := p.plan(ctx, who, &form)
		return severalServers(form), err
	})
	f := p.Panel.Frame(r, who, locale.T(r.Context(), "servers.several.title", "blueprint", name), "blueprints")
	f.Scripts = []string{"upload.js"}
	return page.View{Frame: f, At: "/blueprints/" + string(name) + "/servers", Body: []page.Piece{
		page.Fixed(severalHead(name)), p.Panel.Form(r, "several", now, page.OnServers(), page.OnDefinitions()),
	}}, nil
}

// createSeveral creates the servers that the user saw. If the plan has changed, or the form only requests
// the plan, the form is shown again.
func (p *Pages) createSeveral(w http.ResponseWriter, r *http.Request, who accounts.Actor, name left4me.Name) error {
	if err := accounts.Allow(who, accounts.Manage, anyServer); err != nil {
		return err
	}
	if err := r.ParseForm(); err != nil {
		return page.BadForm(err)
	}
	form := readSeveral(r.PostForm, name)
	if err := p.plan(r.Context(), who, &form); err != nil {
		return err
	}
	status := http.StatusOK
	switch {
	case form.Problems != nil:
		status = http.StatusUnprocessableEntity
	case r.PostForm.Get("do") == "plan":
	case r.PostForm.Get("planned") != form.planned():
		form.Changed, status = true, http.StatusConflict
	default:
		v, err := form.several()
		if err != nil {
			return err
		}
		all, err := p.Servers.Creation().CreateSeveral(r.Context(), who.Cause(), v)
		if wrong, ok := page.ProblemsOf(r.Context(), who, err); ok {
			form.Problems, status = wrong, http.StatusConflict
			break
		}
		if err != nil {
			return err
		}
		return p.createdSeveral(w, r, who, form, all)
	}
	v, err := p.severalView(r, who, name)
	if err != nil {
		return err
	}
	v.Form("several").Typed = severalServers(form)
	return p.Panel.Show(w, r, status, v)
}

// createdSeveral starts new servers if it should, and redirects to the list of servers.
func (p *Pages) createdSeveral(
	w http.ResponseWriter, r *http.Request, who accounts.Actor, form severalForm, all []left4me.Server,
) error {
	for _, v := range all {
		if !form.Start {
			break
		}
		if _, err := p.Servers.Act(r.Context(), who.Cause(), left4me.StartServer, v.Name); err != nil {
			return err
		}
	}
	http.Redirect(w, r, "/servers?q="+url.QueryEscape(string(form.Blueprint)), http.StatusSeeOther)
	return nil
}
