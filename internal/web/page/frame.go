package page

import (
	"net/http"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/session"
)

// Assets knows the addresses of the files beside the pages by their names.
type Assets interface{ URL(name string) string }

// Frame is what every page has around its own part.
type Frame struct {
	Title   string
	Section string // of the navigation that this page belongs to
	Who     accounts.Actor
	Theme   theme
	Assets  Assets
	Version string
	Path    string         // of this page, to come back to
	Scripts []string       // names of assets that only this page needs
	Stream  string         // address of the page's stream of events, may be empty
	Session string         // which session the page belongs to: not its secret
	Moving  bool           // it will soon show something else: without scripts it reloads itself
	Full    *left4me.Error // what can't be done on a full disk, or nil
}

func (p *Panel) Frame(r *http.Request, who accounts.Actor, title, section string) Frame {
	f := Frame{
		Title: title, Section: section, Who: who, Theme: themeOf(r), Assets: p.Assets, Version: p.Version,
		Path: r.URL.RequestURI(), Session: session.Tag(p.Sessions.Secret(r)),
	}
	f.Full = p.fullFor(who)
	return f
}
