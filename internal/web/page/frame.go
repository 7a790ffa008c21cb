package page

import (
	"net/http"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/session"
)

// Assets returns the addresses of scripts, style sheets and pictures by their names.
type Assets interface{ URL(name string) string }

// Frame is the data of what surrounds the content of every page.
type Frame struct {
	Title   string
	Section string // entry of the navigation that the page belongs to
	Who     accounts.Actor
	Theme   theme
	Assets  Assets
	Version string
	Path    string         // address of this page, to return to
	Scripts []string       // names of assets that this page needs besides those of all pages
	Stream  string         // address of the page's stream of events; may be empty
	Session string         // tag of the session that the page belongs to; see session.Tag
	Moving  bool           // the content is about to change; browsers without scripts reload the page
	Full    *left4me.Error // note about a full disk, or nil
}

func (p *Panel) Frame(r *http.Request, who accounts.Actor, title, section string) Frame {
	f := Frame{
		Title: title, Section: section, Who: who, Theme: themeOf(r), Assets: p.Assets, Version: p.Version,
		Path: r.URL.RequestURI(), Session: session.Tag(p.Sessions.Secret(r)),
	}
	f.Full = p.fullFor(who)
	return f
}
