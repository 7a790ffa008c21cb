package servers

import (
	"context"
	"net/http"
	"net/url"
	"slices"

	"github.com/a-h/templ"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/locale"
	"github.com/left4me/left4me/internal/web/filelist"
	"github.com/left4me/left4me/internal/web/format"
	"github.com/left4me/left4me/internal/web/page"
)

// differences lists the files of a server that differ from those of another server, or from
// those of its last start.
type differences struct {
	Other   left4me.Name // the other server; empty for the last start
	Servers []left4me.Name
	Page    left4me.Page[left4me.FileChange]
	Problem string
	next    templ.SafeURL
}

// labels returns the labels of differences between two servers, by left4me.FileChange.What.
func (v differences) labels(ctx context.Context, mine left4me.Name) map[string]string {
	return map[string]string{
		"added":   locale.T(ctx, "servers.compare.only", "server", v.Other),
		"removed": locale.T(ctx, "servers.compare.only", "server", mine),
		"changed": locale.T(ctx, "servers.compare.different"),
	}
}

// compareView shows the files in which two servers differ.
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
			v.Problem = locale.T(ctx, "servers.compare.no_other")
			return differencesOf(r, s, v, nil)
		}
		var err error
		v.Page, err = p.pages.Servers.Files().Compare(ctx, s.Name, v.Other, r.URL.Query().Get("after"), filelist.PageSize)
		return differencesOf(r, s, v, err)
	}, page.OnRun(s.Name), page.OnRun(v.Other), page.OnContent(), page.OnEnds(left4me.BuildOverlay.Noun()))
	return p.pages.serverView(r, who, s, page.NewPart("compare-with", compareHead(s, v), page.OnServers()), list), nil
}

// differencesOf shows a page of differences, with a link to the next page.
func differencesOf(r *http.Request, s serverPage, v differences, err error) (templ.Component, error) {
	if e, ok := page.Public(s.who, err); ok && (e.Kind == left4me.Unavailable || e.Kind == left4me.NotFound) {
		v.Problem, err = format.ErrorLine(r.Context(), e), nil
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
