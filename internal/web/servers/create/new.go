package create

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/a-h/templ"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/locale"
	"github.com/left4me/left4me/internal/web/format"
	"github.com/left4me/left4me/internal/web/page"
	"github.com/left4me/left4me/internal/web/settings"
)

// serverForm is the input of the form for a new server.
type serverForm struct {
	settings.ServerForm
	Name      string
	From      left4me.Name   // server to duplicate; empty if none
	Passwords passwords      // passwords of the server to duplicate
	Start     bool           // start the server when it is created
	Made      []left4me.Name // overlays that were created while the form was filled in

	Content   []content // the state of Made
	Problem   string    // reason why files could not become an overlay
	Upload    bool      // the user may create overlays
	Installed bool      // the game is installed
	Game      bool      // the user may see the game's page
}

// passwords is the choice for the passwords of a duplicated server.
type passwords struct{ Has, Copied, MayCopy bool }

// MayCreate returns the permission to create servers.
func MayCreate(who accounts.Actor) page.Permission { return page.May(who, accounts.Manage, anyServer) }

// newView shows the form for a new server. Its query selects the blueprint, an overlay to begin
// with, or a server to duplicate.
func (p *Pages) newView(r *http.Request, who accounts.Actor) (page.View, error) {
	form, err := p.begun(r, who)
	if err != nil {
		return page.View{}, err
	}
	now := page.Deferred(func(ctx context.Context) (templ.Component, error) {
		err := p.fill(ctx, who, &form)
		return newServerForm(form), err
	})
	f := p.Panel.Frame(r, who, locale.T(r.Context(), "servers.new"), "servers")
	f.Scripts = []string{"upload.js"}
	return page.View{Frame: f, At: "/servers/new", Body: []page.Piece{
		page.Fixed(newServerHead(form)),
		p.Panel.Form(r, "new-server", now, page.OnContent(), page.OnEnds(left4me.BuildOverlay.Noun())),
	}}, nil
}

// begun returns the form that the query of an address selects. An object that the user may not see
// is treated as nonexistent.
func (p *Pages) begun(r *http.Request, who accounts.Actor) (serverForm, error) {
	q := r.URL.Query()
	form := serverForm{Start: true}
	form.Blueprint = cmp.Or(q.Get("blueprint"), string(left4me.DefaultBlueprint))
	if n := left4me.Name(q.Get("overlay")); n.Valid() && page.Sees(who, left4me.OnOverlay(n)) {
		form.Made = []left4me.Name{n}
		form.Stack = []string{string(n)}
	}
	n := left4me.Name(q.Get("from"))
	if n == "" || r.Method == http.MethodPost {
		return form, nil
	}
	if !n.Valid() || !page.Sees(who, left4me.OnServer(n)) {
		return form, page.ErrNoPage
	}
	mayCopy := page.May(who, accounts.Configure, left4me.OnServer(n)).Act
	with := mayCopy && q.Get("passwords") != ""
	v, has, err := p.Servers.Creation().CopyOf(r.Context(), n, servers.Copy{Passwords: with})
	if err != nil {
		return form, err
	}
	form.From, form.Passwords = n, passwords{Has: has, Copied: with, MayCopy: mayCopy}
	form.ServerForm = settings.ServerForm{
		Form: settings.FormOf(v.Settings, v.Overlays, 0), Blueprint: string(v.Blueprint), Autostart: string(v.Autostart),
	}
	form.Name = string(v.Name)
	return form, nil
}

// fill adds the options of the form and the proposals derived from added content.
func (p *Pages) fill(ctx context.Context, who accounts.Actor, form *serverForm) error {
	p.fillContent(ctx, who, form)
	if err := p.Choices.FillServer(ctx, who, MayCreate(who), &form.ServerForm); err != nil {
		return err
	}
	p.Choices.TypedWarnings(ctx, who, &form.Form, form.Base.Overlays)
	form.Upload = page.May(who, accounts.Manage, anyOverlay).Act
	said, _ := p.Game.LastAnswer(p.Hosts.Default())
	form.Installed, form.Game = said.Current > 0, page.Sees(who, left4me.Site)
	return nil
}

// retype shows the form for a new server with the submitted input.
func (p *Pages) retype(w http.ResponseWriter, r *http.Request, who accounts.Actor, status int, form serverForm) error {
	v, err := p.newView(r, who)
	if err != nil {
		return err
	}
	if err := p.fill(r.Context(), who, &form); err != nil {
		return err
	}
	v.Form("new-server").Typed = newServerForm(form)
	return p.Panel.Show(w, r, status, v)
}

// readServerForm parses the form values of a request.
func readServerForm(v url.Values, who accounts.Actor) serverForm {
	trimmed := func(field string) string { return strings.TrimSpace(v.Get(field)) }
	form := serverForm{
		Name: trimmed("name"), Start: v.Get("start") != "",
		ServerForm: settings.ServerForm{
			Form: settings.ReadForm(v), Port: trimmed("port"), Blueprint: trimmed("blueprint"), Autostart: trimmed("autostart"),
		},
	}
	for _, made := range v["made"] {
		if n := left4me.Name(made); n.Valid() && page.Sees(who, left4me.OnOverlay(n)) && !slices.Contains(form.Made, n) {
			form.Made = append(form.Made, n)
		}
	}
	return form
}

func (p *Pages) createServer(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	if err := r.ParseForm(); err != nil {
		return page.BadForm(err)
	}
	form := readServerForm(r.PostForm, who)
	// Browsers send the name of a chosen file that was not uploaded.
	if i := slices.IndexFunc(r.PostForm["file"], func(name string) bool { return name != "" }); i >= 0 {
		form.Problem = locale.T(r.Context(), "servers.new.content.not_uploaded", "file", format.Visible(r.PostForm["file"][i]))
	}
	switch button := r.PostForm.Get("stack"); button {
	case "":
	case "content":
		p.await(r.Context(), form.Made)
		return p.retype(w, r, who, http.StatusOK, form)
	default:
		form.Restack(button)
		return p.retype(w, r, who, http.StatusOK, form)
	}
	if form.Problem != "" {
		return p.retype(w, r, who, http.StatusUnprocessableEntity, form)
	}
	server := left4me.Server{
		Name: left4me.Name(form.Name), Blueprint: left4me.Name(form.Blueprint), Autostart: left4me.Autostart(form.Autostart),
	}
	var err, wrong error
	server.Port, wrong = settings.PortOf("port", form.Port)
	server.Settings, server.Overlays, err = form.Definition()
	if server.Name == "" {
		if server.Name, err = p.proposal(r.Context(), form); err != nil {
			return err
		}
	}
	if err = page.JoinMistakes(wrong, err); err == nil {
		err = p.unpublished(r.Context(), form)
	}
	if err == nil {
		_, err = p.Servers.Create(r.Context(), who.Cause(), server)
	} else {
		err = page.JoinMistakes(err, p.Servers.Mistakes(r.Context(), server, true))
	}
	if err == nil {
		return p.created(w, r, who, server.Name, form.Start)
	}
	status, err := form.Wrong(r.Context(), who, err, form.Form)
	if err != nil {
		return err
	}
	return p.retype(w, r, who, status, form)
}

// created starts a new server if it should, and redirects to its page.
func (p *Pages) created(w http.ResponseWriter, r *http.Request, who accounts.Actor, name left4me.Name, start bool) error {
	if start {
		if _, err := p.Servers.Act(r.Context(), who.Cause(), left4me.StartServer, name); err != nil {
			return err
		}
	}
	to := "/servers/" + string(name)
	if len(p.Servers.Warnings().Of(r.Context(), name)) > 0 {
		to += "/settings" // which shows the warnings
	}
	http.Redirect(w, r, to+"?created=yes", http.StatusSeeOther)
	return nil
}

// proposal returns the name of a server for which none was typed: from its hostname, or the title of
// its content.
func (p *Pages) proposal(ctx context.Context, form serverForm) (left4me.Name, error) {
	titles := []string{form.Values["hostname"]}
	for _, n := range form.Made {
		titles = append(titles, p.titleOf(ctx, n))
	}
	if form.Blueprint != string(left4me.DefaultBlueprint) {
		titles = append(titles, form.Blueprint)
	}
	for _, title := range append(titles, "server") {
		if n, err := p.Servers.Creation().ProposeName(ctx, title); err != nil || n != "" {
			return n, err
		}
	}
	return "", nil
}
