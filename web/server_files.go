package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/a-h/templ"

	"github.com/left4me/left4me"
	"github.com/left4me/left4me/control/accounts"
	"github.com/left4me/left4me/control/content"
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

func (p *panel) showFiles(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	s, v, err := p.seenFiles(r, who, false)
	if err != nil {
		return err
	}
	return p.render(w, r, http.StatusOK, serverFilesPage(p.serverFrame(r, who, s), s, v))
}

func (p *panel) showWritten(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	s, v, err := p.seenFiles(r, who, true)
	if err != nil {
		return err
	}
	return p.render(w, r, http.StatusOK, serverFilesPage(p.serverFrame(r, who, s), s, v))
}

// seenFiles reads what the address asks for.
func (p *panel) seenFiles(r *http.Request, who accounts.Actor, written bool) (serverPage, seenFiles, error) {
	s, err := p.serverPage(r, who, "files")
	if err != nil {
		return s, seenFiles{}, err
	}
	q := r.URL.Query()
	v := seenFiles{Written: written, Down: s.Status.State == left4me.Stopped || s.Status.State == left4me.Failed}
	v.filesView = filesView{Current: true, Dir: strings.Trim(q.Get("dir"), "/"), Query: strings.TrimSpace(q.Get("q")), base: s.address("/files")}
	filter := left4me.Filter{Dir: v.Dir, Query: v.Query, After: q.Get("after"), Limit: listedFiles}
	if written {
		v.base = s.address("/written")
		filter.Deep = true
		v.Page, err = p.Servers.Written(r.Context(), s.Name, filter)
	} else {
		v.Page, err = p.Servers.Files(r.Context(), s.Name, filter)
	}
	if e, ok := left4me.Public(err); ok && (e.Kind == left4me.Unavailable || e.Kind == left4me.NotFound && v.Dir == "") {
		v.Problem, err = e.Error(), nil
	}
	if err != nil || !written || !s.May.Act {
		return s, v, err
	}
	v.Overlays, err = p.filesOverlays(r)
	return s, v, err
}

// filesOverlays are those that written files can be promoted to.
func (p *panel) filesOverlays(r *http.Request) (names []left4me.Name, err error) {
	all, err := p.Content.List(r.Context())
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
	Answer content.FileAnswer
	Text   string
	IsText bool
}

func (p *panel) showServerFile(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	s, err := p.serverPage(r, who, "files")
	if err != nil {
		return err
	}
	file := strings.Trim(r.URL.Query().Get("path"), "/")
	v := seenFile{filesView: filesView{Current: true, base: s.address("/files")}, Path: file}
	if v.Answer, err = p.Servers.File(r.Context(), s.Name, file, ""); err != nil {
		return err
	}
	v.Text, v.IsText = textOf(v.Answer.Data)
	v.IsText = v.IsText && v.Answer.Size == int64(len(v.Answer.Data))
	return p.render(w, r, http.StatusOK, serverFilePage(p.serverFrame(r, who, s), s, v))
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
			job, err = p.Content.Build(r.Context(), who.Name, overlay, content.Request{
				Note: "written by " + string(name), Promote: &left4me.Promote{Server: name, Paths: chosen},
			})
		}
	default:
		job, err = p.Servers.Discard(r.Context(), who.Name, name, chosen)
	}
	if e, ok := left4me.Public(err); ok && e.Kind == left4me.Invalid {
		s, v, lerr := p.seenFiles(r, who, true)
		if lerr != nil {
			return lerr
		}
		v.Field, v.Chosen = e.Error(), chosen
		return p.render(w, r, http.StatusUnprocessableEntity, serverFilesPage(p.serverFrame(r, who, s), s, v))
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

func (p *panel) showPending(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	s, err := p.serverPage(r, who, "files")
	if err != nil {
		return err
	}
	v := differences{}
	v.Page, err = p.Servers.Pending(r.Context(), s.Name, r.URL.Query().Get("after"), listedFiles)
	return p.renderDifferences(w, r, who, s, v, err)
}

func (p *panel) showClashes(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	s, err := p.serverPage(r, who, "files")
	if err != nil {
		return err
	}
	problem := ""
	all, err := p.Servers.Clashes(r.Context(), s.Name)
	if e, ok := left4me.Public(err); ok && (e.Kind == left4me.Unavailable || e.Kind == left4me.NotFound) {
		problem, err = e.Error(), nil
	}
	if err != nil {
		return err
	}
	return p.render(w, r, http.StatusOK, serverClashesPage(p.serverFrame(r, who, s), s, all, problem))
}

func (p *panel) compareServers(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	s, err := p.serverPage(r, who, "files")
	if err != nil {
		return err
	}
	v := differences{Other: left4me.Name(r.URL.Query().Get("with"))}
	all, err := p.Servers.List(r.Context())
	if err != nil {
		return err
	}
	for _, o := range all {
		if o.Name != s.Name {
			v.Servers = append(v.Servers, o.Name)
		}
	}
	if v.Other == "" && len(v.Servers) > 0 {
		v.Other = v.Servers[0]
	}
	if !slices.Contains(v.Servers, v.Other) {
		v.Problem = "There is no other server to compare with."
		return p.renderDifferences(w, r, who, s, v, nil)
	}
	v.Page, err = p.Servers.Compare(r.Context(), s.Name, v.Other, r.URL.Query().Get("after"), listedFiles)
	return p.renderDifferences(w, r, who, s, v, err)
}

func (p *panel) renderDifferences(w http.ResponseWriter, r *http.Request, who accounts.Actor, s serverPage, v differences, err error) error {
	if e, ok := left4me.Public(err); ok && (e.Kind == left4me.Unavailable || e.Kind == left4me.NotFound) {
		v.Problem, err = e.Error(), nil
	}
	if err != nil {
		return err
	}
	if v.Page.Next != "" {
		q := url.Values{"after": {v.Page.Next}}
		if v.Other != "" {
			q.Set("with", string(v.Other))
		}
		v.next = templ.SafeURL(r.URL.Path + "?" + q.Encode())
	}
	return p.render(w, r, http.StatusOK, serverDifferencesPage(p.serverFrame(r, who, s), s, v))
}

func commas(names []string) string { return strings.Join(names, ", ") }
