package web

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
)

// seenFiles is a part of what a server sees, or of what it wrote.
type seenFiles struct {
	filesView
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
func (p *panel) filesView(written bool) builder {
	return func(r *http.Request, who accounts.Actor) (view, error) {
		return p.filesWith(r, who, written, seenFiles{})
	}
}

func (p *panel) filesWith(r *http.Request, who accounts.Actor, written bool, chosen seenFiles) (view, error) {
	s, err := p.serverPage(r, who, "files")
	if err != nil {
		return view{}, err
	}
	list := lazy("server-files", func(ctx context.Context) (templ.Component, error) {
		v, err := p.seenFiles(ctx, r.URL.Query(), s, written)
		v.Chosen = chosen.Chosen
		return seenList(s, v), err
	}, onRun(s.Name), onContent(), onEnds(left4me.BuildOverlay.Noun()), onEnds("server"))
	return p.serverView(r, who, s, fixed(filesHead(s, written)), fixed(refusal(chosen.Field)), list), nil
}

// seenFiles reads what an address asks for.
func (p *panel) seenFiles(ctx context.Context, q url.Values, s serverPage, written bool) (seenFiles, error) {
	v := seenFiles{Written: written, Down: s.Status.State == left4me.Stopped || s.Status.State == left4me.Failed}
	v.filesView = filesView{
		Current: true,
		Dir:     strings.Trim(q.Get("dir"), "/"),
		Query:   strings.TrimSpace(q.Get("q")),
		base:    s.address("/files"),
	}
	filter := left4me.Filter{Dir: v.Dir, Query: v.Query, After: q.Get("after"), Limit: listedFiles}
	var err error
	if written {
		v.base = s.address("/written")
		filter.Deep = true
		v.Page, err = p.Servers.Files().Written(ctx, s.Name, filter)
	} else {
		v.Page, err = p.Servers.Files().List(ctx, s.Name, filter)
	}
	if e, ok := left4me.Public(err); ok && (e.Kind == left4me.Unavailable || e.Kind == left4me.NotFound && v.Dir == "") {
		v.Problem, err = e.Error(), nil
	}
	if err != nil || !written || !s.May.Act {
		return v, err
	}
	v.Overlays, err = p.filesOverlays(ctx)
	return v, err
}

// filesOverlays are those that written files can be promoted to.
func (p *panel) filesOverlays(ctx context.Context) (names []left4me.Name, err error) {
	all, err := p.Content.List(ctx)
	for _, o := range all {
		if o.Kind == left4me.FilesOverlay && o.DeletedAt.IsZero() {
			names = append(names, o.Name)
		}
	}
	return names, err
}

// seenFile is one file as a server sees it.
type seenFile struct {
	filesView
	Path   string
	Answer overlays.FileAnswer
	Text   overlays.Text
	IsText bool
}

// fileView is one file as a server sees it.
func (p *panel) fileView(r *http.Request, who accounts.Actor) (view, error) {
	s, err := p.serverPage(r, who, "files")
	if err != nil {
		return view{}, err
	}
	text := lazy("server-file", func(ctx context.Context) (templ.Component, error) {
		v := seenFile{filesView: filesView{Current: true, base: s.address("/files")}, Path: strings.Trim(r.URL.Query().Get("path"), "/")}
		var err error
		if v.Answer, err = p.Servers.Files().Get(ctx, s.Name, v.Path, ""); err != nil {
			return nil, err
		}
		v.Text, v.IsText, err = p.Content.TextOf(ctx, v.Answer.Data)
		v.IsText = v.IsText && v.Answer.Size == int64(len(v.Answer.Data))
		return seenFileText(s, v), err
	}, onRun(s.Name), onContent(), onEnds(left4me.BuildOverlay.Noun()), onEnds("server"))
	return p.serverView(r, who, s, fixed(fileViews(s, "")), text), nil
}

// actOnWritten discards or promotes the files that were chosen.
func (p *panel) actOnWritten(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	if err := r.ParseForm(); err != nil {
		return badForm(err)
	}
	name, err := pathName(r)
	if err != nil {
		return err
	}
	chosen := r.PostForm["path"]
	var job left4me.Job
	switch r.PostForm.Get("do") {
	case "promote":
		var overlay left4me.Name
		overlay, err = left4me.ParseName(r.PostForm.Get("overlay"))
		if len(chosen) == 0 {
			err = &left4me.Error{Kind: left4me.Invalid, Field: "paths", Text: "no file is chosen", Hint: "choose at least one"}
		} else if err == nil {
			job, err = p.Content.Build(r.Context(), who.Name, overlay, overlays.Request{
				Note: "written by " + string(name), Promote: &left4me.Promote{Server: name, Paths: chosen},
			})
		}
	default:
		job, err = p.Servers.Files().Discard(r.Context(), who.Name, name, chosen)
	}
	if e, ok := left4me.Public(err); ok && e.Kind == left4me.Invalid {
		v, err := p.filesWith(r, who, true, seenFiles{Field: e.Error(), Chosen: chosen})
		if err != nil {
			return err
		}
		return p.show(w, r, http.StatusUnprocessableEntity, v)
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
func (p *panel) pendingView(r *http.Request, who accounts.Actor) (view, error) {
	s, err := p.serverPage(r, who, "files")
	if err != nil {
		return view{}, err
	}
	list := lazy("differences", func(ctx context.Context) (templ.Component, error) {
		page, err := p.Servers.Files().Pending(ctx, s.Name, r.URL.Query().Get("after"), listedFiles)
		return differencesOf(r, s, differences{Page: page}, err)
	}, onRun(s.Name), onContent(), onEnds(left4me.BuildOverlay.Noun()))
	return p.serverView(r, who, s, fixed(pendingHead(s)), list), nil
}

// clashesView is what the overlays of a server have in common.
func (p *panel) clashesView(r *http.Request, who accounts.Actor) (view, error) {
	s, err := p.serverPage(r, who, "files")
	if err != nil {
		return view{}, err
	}
	list := lazy("clashes", func(ctx context.Context) (templ.Component, error) {
		all, err := p.Servers.Files().Clashes(ctx, s.Name)
		problem := ""
		if e, ok := left4me.Public(err); ok && (e.Kind == left4me.Unavailable || e.Kind == left4me.NotFound) {
			problem, err = e.Error(), nil
		}
		return clashList(all, problem), err
	}, onRun(s.Name), onContent(), onEnds(left4me.BuildOverlay.Noun()))
	return p.serverView(r, who, s, fixed(clashesHead(s)), list), nil
}

// compareView is how the files of two servers differ.
func (p *panel) compareView(r *http.Request, who accounts.Actor) (view, error) {
	s, err := p.serverPage(r, who, "files")
	if err != nil {
		return view{}, err
	}
	v := differences{Other: left4me.Name(r.URL.Query().Get("with"))}
	all, err := p.Servers.List(r.Context())
	if err != nil {
		return view{}, err
	}
	for _, o := range all {
		if o.Name != s.Name {
			v.Servers = append(v.Servers, o.Name)
		}
	}
	if v.Other == "" && len(v.Servers) > 0 {
		v.Other = v.Servers[0]
	}
	list := lazy("differences", func(ctx context.Context) (templ.Component, error) {
		if !slices.Contains(v.Servers, v.Other) {
			v.Problem = "There is no other server to compare with."
			return differencesOf(r, s, v, nil)
		}
		var err error
		v.Page, err = p.Servers.Files().Compare(ctx, s.Name, v.Other, r.URL.Query().Get("after"), listedFiles)
		return differencesOf(r, s, v, err)
	}, onRun(s.Name), onRun(v.Other), onContent(), onEnds(left4me.BuildOverlay.Noun()))
	return p.serverView(r, who, s, showing("compare-with", compareHead(s, v), onServers()), list), nil
}

// differencesOf is the list of differences, with the address of what follows.
func differencesOf(r *http.Request, s serverPage, v differences, err error) (templ.Component, error) {
	if e, ok := left4me.Public(err); ok && (e.Kind == left4me.Unavailable || e.Kind == left4me.NotFound) {
		v.Problem, err = e.Error(), nil
	}
	if v.Page.Next != "" {
		q := url.Values{"after": {v.Page.Next}}
		if v.Other != "" {
			q.Set("with", string(v.Other))
		}
		v.next = templ.SafeURL(pagePath(r) + "?" + q.Encode())
	}
	return differenceList(s, v), err
}

func commas(names []string) string { return strings.Join(names, ", ") }
