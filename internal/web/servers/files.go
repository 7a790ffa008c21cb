package servers

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/a-h/templ"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/filelist"
	"github.com/left4me/left4me/internal/web/format"
	"github.com/left4me/left4me/internal/web/page"
)

// seenFiles is a part of what a server sees, or of what it wrote.
type seenFiles struct {
	filelist.View
	Written  bool // only what the server wrote
	Down     bool // nothing is mounted for it, so that files can be discarded
	Overlays []left4me.Name
	Field    string // of what is wrong
	Chosen   []string
}

// address is where the files of a server are in the panel.
func (s serverPage) address(what string) string { return "/servers/" + string(s.Name) + what }

// filesView is what a server sees, or what it wrote. The game writes without telling
// anybody: what it wrote is as of the last change that left4me knows of.
func (p *files) filesView(written bool) builder {
	return func(r *http.Request, who accounts.Actor, name left4me.Name) (page.View, error) {
		return p.filesWith(r, who, name, written, seenFiles{})
	}
}

func (p *files) filesWith(
	r *http.Request, who accounts.Actor, name left4me.Name, written bool, chosen seenFiles,
) (page.View, error) {
	s, err := p.pages.serverPage(r, who, name, "files")
	if err != nil {
		return page.View{}, err
	}
	list := page.LazyPart("server-files", func(ctx context.Context) (templ.Component, error) {
		v, err := p.seenFiles(ctx, r.URL.Query(), s, written)
		v.Chosen = chosen.Chosen
		return seenList(s, v), err
	}, page.OnRun(s.Name), page.OnContent(), page.OnEnds(left4me.BuildOverlay.Noun()), page.OnEnds("server"))
	return p.pages.serverView(r, who, s, page.Fixed(filesHead(s, written)), page.Fixed(page.Refusal(chosen.Field)), list), nil
}

// seenFiles reads what an address asks for.
func (p *files) seenFiles(ctx context.Context, q url.Values, s serverPage, written bool) (seenFiles, error) {
	v := seenFiles{Written: written, Down: s.Status.State == left4me.Stopped || s.Status.State == left4me.Failed}
	v.View = filelist.View{
		Current: true,
		Dir:     strings.Trim(q.Get("dir"), "/"),
		Query:   strings.TrimSpace(q.Get("q")),
		Base:    s.address("/files"),
	}
	filter := left4me.Filter{Dir: v.Dir, Query: v.Query, After: q.Get("after"), Limit: filelist.PageSize}
	var err error
	if written {
		v.Base = s.address("/written")
		filter.Deep = true
		v.Page, err = p.pages.Servers.Files().Written(ctx, s.Name, filter)
	} else {
		v.Page, err = p.pages.Servers.Files().List(ctx, s.Name, filter)
	}
	if e, ok := left4me.Public(err); ok && (e.Kind == left4me.Unavailable || e.Kind == left4me.NotFound && v.Dir == "") {
		v.Problem, err = format.ErrorLine(e), nil
	}
	if err != nil || !written || !s.May(accounts.Content).Act {
		return v, err
	}
	v.Overlays, err = p.filesOverlays(ctx, s.who)
	return v, err
}

// filesOverlays are those that somebody can promote written files to.
func (p *files) filesOverlays(ctx context.Context, who accounts.Actor) (names []left4me.Name, err error) {
	all, err := p.pages.Overlays.List(ctx)
	for _, o := range all {
		if o.Kind == left4me.FilesOverlay && o.DeletedAt.IsZero() && page.May(who, accounts.Content, o.Target()).Act {
			names = append(names, o.Name)
		}
	}
	return names, err
}

// seenFile is one file as a server sees it.
type seenFile struct {
	filelist.View
	Path   string
	Answer overlays.FileAnswer
	Text   overlays.Text
	IsText bool
}

// fileView is one file as a server sees it.
func (p *files) fileView(r *http.Request, who accounts.Actor, name left4me.Name) (page.View, error) {
	s, err := p.pages.serverPage(r, who, name, "files")
	if err != nil {
		return page.View{}, err
	}
	text := page.LazyPart("server-file", func(ctx context.Context) (templ.Component, error) {
		v := seenFile{View: filelist.View{Current: true, Base: s.address("/files")}, Path: strings.Trim(r.URL.Query().Get("path"), "/")}
		var err error
		if v.Answer, err = p.pages.Servers.Files().Get(ctx, s.Name, v.Path, ""); err != nil {
			return nil, err
		}
		v.Text, v.IsText, err = p.pages.Overlays.TextOf(ctx, v.Answer.Data)
		v.IsText = v.IsText && v.Answer.Size == int64(len(v.Answer.Data))
		return seenFileText(s, v), err
	}, page.OnRun(s.Name), page.OnContent(), page.OnEnds(left4me.BuildOverlay.Noun()), page.OnEnds("server"))
	return p.pages.serverView(r, who, s, page.Fixed(fileViews(s, "")), text), nil
}

// actOnWritten discards or promotes the files that were chosen.
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
		if err == nil {
			job, err = p.pages.Overlays.Build(r.Context(), who.Cause(), overlay, overlays.Request{
				Note: "written by " + string(name), Promote: &left4me.Promote{Server: name, Paths: chosen},
			})
		}
	default:
		job, err = p.pages.Servers.Files().Discard(r.Context(), who.Cause(), name, chosen)
	}
	if e, ok := left4me.Public(err); ok && e.Kind == left4me.Invalid {
		v, err := p.filesWith(r, who, name, true, seenFiles{Field: format.ErrorLine(e), Chosen: chosen})
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

// differences is how the files of a server differ from something else.
type differences struct {
	Other   left4me.Name // empty: from what it was started with
	Servers []left4me.Name
	Page    left4me.Page[left4me.FileChange]
	Problem string
	next    templ.SafeURL
}

// words say whose a file is that only one of two servers has.
func (v differences) words(mine left4me.Name) map[string]string {
	if v.Other == "" {
		return nil
	}
	return map[string]string{"added": "only " + string(v.Other), "removed": "only " + string(mine), "changed": "differs"}
}

// pendingView is what a restart would change in the files of a server.
func (p *files) pendingView(r *http.Request, who accounts.Actor, name left4me.Name) (page.View, error) {
	s, err := p.pages.serverPage(r, who, name, "files")
	if err != nil {
		return page.View{}, err
	}
	list := page.LazyPart("differences", func(ctx context.Context) (templ.Component, error) {
		page, err := p.pages.Servers.Files().Pending(ctx, s.Name, r.URL.Query().Get("after"), filelist.PageSize)
		return differencesOf(r, s, differences{Page: page}, err)
	}, page.OnRun(s.Name), page.OnContent(), page.OnEnds(left4me.BuildOverlay.Noun()))
	return p.pages.serverView(r, who, s, page.Fixed(pendingHead(s)), list), nil
}

// clashesView is what the overlays of a server have in common.
func (p *files) clashesView(r *http.Request, who accounts.Actor, name left4me.Name) (page.View, error) {
	s, err := p.pages.serverPage(r, who, name, "files")
	if err != nil {
		return page.View{}, err
	}
	list := page.LazyPart("clashes", func(ctx context.Context) (templ.Component, error) {
		all, err := p.pages.Servers.Files().Clashes(ctx, s.Name)
		problem := ""
		if e, ok := left4me.Public(err); ok && (e.Kind == left4me.Unavailable || e.Kind == left4me.NotFound) {
			problem, err = format.ErrorLine(e), nil
		}
		return clashList(all, problem), err
	}, page.OnRun(s.Name), page.OnContent(), page.OnEnds(left4me.BuildOverlay.Noun()))
	return p.pages.serverView(r, who, s, page.Fixed(clashesHead(s)), list), nil
}

// compareView is how the files of two servers differ.
func (p *files) compareView(r *http.Request, who accounts.Actor, name left4me.Name) (page.View, error) {
	s, err := p.pages.serverPage(r, who, name, "files")
	if err != nil {
		return page.View{}, err
	}
	v := differences{Other: left4me.Name(r.URL.Query().Get("with"))}
	all, err := p.pages.Servers.List(r.Context())
	if err != nil {
		return page.View{}, err
	}
	for _, o := range all {
		if o.Name != s.Name && page.Sees(who, o.Target()) {
			v.Servers = append(v.Servers, o.Name)
		}
	}
	if v.Other == "" && len(v.Servers) > 0 {
		v.Other = v.Servers[0]
	}
	list := page.LazyPart("differences", func(ctx context.Context) (templ.Component, error) {
		if !slices.Contains(v.Servers, v.Other) {
			v.Problem = "There is no other server to compare with."
			return differencesOf(r, s, v, nil)
		}
		var err error
		v.Page, err = p.pages.Servers.Files().Compare(ctx, s.Name, v.Other, r.URL.Query().Get("after"), filelist.PageSize)
		return differencesOf(r, s, v, err)
	}, page.OnRun(s.Name), page.OnRun(v.Other), page.OnContent(), page.OnEnds(left4me.BuildOverlay.Noun()))
	return p.pages.serverView(r, who, s, page.NewPart("compare-with", compareHead(s, v), page.OnServers()), list), nil
}

// differencesOf is the list of differences, with the address of what follows.
func differencesOf(r *http.Request, s serverPage, v differences, err error) (templ.Component, error) {
	if e, ok := left4me.Public(err); ok && (e.Kind == left4me.Unavailable || e.Kind == left4me.NotFound) {
		v.Problem, err = format.ErrorLine(e), nil
	}
	if v.Page.Next != "" {
		q := url.Values{"after": {v.Page.Next}}
		if v.Other != "" {
			q.Set("with", string(v.Other))
		}
		v.next = templ.SafeURL(page.PagePath(r) + "?" + q.Encode())
	}
	return differenceList(s, v), err
}

func commas(names []string) string { return strings.Join(names, ", ") }
