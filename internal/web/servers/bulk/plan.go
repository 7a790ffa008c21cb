package bulk

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/a-h/templ"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/bulk"
	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/locale"
	"github.com/left4me/left4me/internal/web/format"
	"github.com/left4me/left4me/internal/web/page"
)

// Address returns the address of the page that asks before a request is carried out, and that leads to
// back afterwards.
func Address(r bulk.Request, back string) string {
	q := url.Values{"do": {r.Kind.Verb()}}
	switch {
	case r.All:
		q.Set("all", "1")
	case r.Blueprint != "":
		q.Set("blueprint", string(r.Blueprint))
	default:
		names := make([]string, len(r.Servers))
		for i, n := range r.Servers {
			names[i] = string(n)
		}
		q.Set("servers", strings.Join(names, ","))
	}
	if r.NeedsRestart {
		q.Set("needs_restart", "1")
	}
	if back != "" {
		q.Set("back", back)
	}
	return "/bulk?" + strings.ReplaceAll(q.Encode(), "%2C", ",")
}

// requestOf returns the request of an address or form. Errors: left4me.NotFound for a name that no
// server can have.
func requestOf(q url.Values) (bulk.Request, error) {
	r := bulk.Request{
		Kind: left4me.JobKind("server." + q.Get("do")), Mode: bulk.Mode(q.Get("mode")), All: q.Has("all"),
		Blueprint: left4me.Name(q.Get("blueprint")), NeedsRestart: q.Has("needs_restart"),
	}
	names := q["server"]
	if all := q.Get("servers"); all != "" {
		names = append(names, strings.Split(all, ",")...)
	}
	for _, text := range names {
		n, err := left4me.ParseName(text)
		if err != nil {
			return r, left4me.NoSuch("server", text)
		}
		r.Servers = append(r.Servers, n)
	}
	return r, nil
}

// question is the content of the page that asks before servers are started, stopped or restarted.
type question struct {
	bulk.Plan
	Back string
}

// planView shows what a request would do, and who is playing where.
func (p *Pages) planView(r *http.Request, who accounts.Actor) (page.View, error) {
	q := r.URL.Query()
	req, err := requestOf(q)
	if err != nil {
		return page.View{}, err
	}
	if req.Mode == "" {
		req.Mode = bulk.Now
	}
	plan, err := p.Bulk.Plan(r.Context(), who, req)
	if err != nil {
		return page.View{}, err
	}
	ask := question{plan, page.LocalPath(q.Get("back"))}
	return page.View{
		Frame: p.Panel.Frame(r, who, ask.title(r.Context()), "servers"),
		Body:  []page.Piece{page.NewPart("bulk-plan", planQuestion(ask), page.OnServers())},
	}, nil
}

// choose leads from the ticked servers of the list to the question.
func (p *Pages) choose(w http.ResponseWriter, r *http.Request, _ accounts.Actor) error {
	if err := r.ParseForm(); err != nil {
		return page.BadForm(err)
	}
	req, err := requestOf(r.PostForm)
	if err != nil {
		return err
	}
	if len(req.Servers) == 0 {
		return left4me.NewError(left4me.Invalid, "bulk.nothing_ticked")
	}
	http.Redirect(w, r, Address(req, r.PostForm.Get("back")), http.StatusSeeOther)
	return nil
}

// start carries out a request.
func (p *Pages) start(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	if err := r.ParseForm(); err != nil {
		return page.BadForm(err)
	}
	req, err := requestOf(r.PostForm)
	if err != nil {
		return err
	}
	a, err := p.Bulk.Start(r.Context(), who, req)
	if err != nil {
		return err
	}
	to := "/bulk/" + a.ID
	if req.Mode == bulk.Now && len(a.Servers) == 1 {
		to = page.LocalPath(r.PostForm.Get("back"))
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
	return nil
}

// Restart restarts the running servers of a blueprint one after the other, and answers with the page
// that shows the progress. If people are playing on the servers, it answers with the question instead.
func Restart(w http.ResponseWriter, r *http.Request, who accounts.Actor, b *bulk.Bulk, blueprint left4me.Name, back string) error {
	req := bulk.Request{Kind: left4me.RestartServer, Mode: bulk.OneByOne, Blueprint: blueprint}
	plan, err := b.Plan(r.Context(), who, req)
	if err != nil {
		return err
	}
	to := Address(req, back)
	if people, _ := plan.Players(); people == 0 {
		a, err := b.Start(r.Context(), who, req)
		switch {
		case errors.Is(err, left4me.Conflict): // none of them is running any more
			to = back
		case err != nil:
			return err
		default:
			to = "/bulk/" + a.ID
		}
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
	return nil
}

// title returns the question in the heading.
func (q question) title(ctx context.Context) string {
	all := q.Changed()
	if len(all) == 1 {
		return locale.T(ctx, "bulk.title_of."+q.Kind.Verb(), "server", all[0].Name)
	}
	return locale.T(ctx, "bulk.title."+q.Kind.Verb(), "count", len(all))
}

// skipped returns the servers that would be left alone.
func (q question) skipped() (all []bulk.Item) {
	for _, i := range q.Items {
		if i.Skip != nil {
			all = append(all, i)
		}
	}
	return all
}

// modes returns the choices, the recommended one first: servers with players should wait for them, and
// several servers should not be down at the same time.
func (q question) modes() []bulk.Mode {
	people, _ := q.Players()
	var all []bulk.Mode
	if len(q.Changed()) > 1 {
		all = append(all, bulk.OneByOne)
	}
	all = append(all, bulk.Now)
	if people > 0 && q.Kind != left4me.StartServer {
		all = append(all, bulk.Empty)
	}
	return all
}

// part returns the part of a catalogue key that stands for a mode.
func part(mode string) string { return strings.ReplaceAll(mode, "-", "_") }

// playersOn returns who is playing on a server.
func playersOn(ctx context.Context, v servers.View) string {
	var names []string
	for _, o := range v.Status.Online {
		if !o.Bot && o.Name != "" {
			names = append(names, format.Visible(o.Name))
		}
	}
	if len(names) == 0 {
		return locale.T(ctx, "bulk.plays", "count", v.Status.Players)
	}
	return locale.T(ctx, "bulk.plays_named", "count", v.Status.Players, "names", strings.Join(names, ", "))
}

// backLink returns the address of a page that the reader came from.
func (q question) backLink() templ.SafeURL { return templ.SafeURL(q.Back) }
