package accounts

import (
	"errors"
	"net/http"
	"strings"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/format"
)

// endSession signs one of one's own browsers out.
func (p *Pages) endSession(w http.ResponseWriter, r *http.Request, who accounts.Actor, id string) error {
	// A second press, or that browser itself, may have been faster: it is signed out.
	if err := p.Accounts.EndSession(r.Context(), who, id); err != nil && !errors.Is(err, left4me.NotFound) {
		return err
	}
	http.Redirect(w, r, "/account?did=ended", http.StatusSeeOther)
	return nil
}

// signOutEverywhere ends all sessions, that of this browser too.
func (p *Pages) signOutEverywhere(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	if _, err := p.Accounts.SignOut(r.Context(), who); err != nil {
		return err
	}
	return p.signedOut(w, r)
}

// browsers and systems are what the name that a browser gives itself begins to
// tell; the first that is in it counts, since most name others too.
var (
	browsers = [][2]string{
		{"Edg", "Edge"},
		{"OPR/", "Opera"},
		{"SamsungBrowser/", "Samsung Internet"},
		{"Firefox/", "Firefox"},
		{"FxiOS/", "Firefox"},
		{"CriOS/", "Chrome"},
		{"Chrome/", "Chrome"},
		{"Safari/", "Safari"},
	}
	systems = [][2]string{
		{"Android", "Android"},
		{"iPhone", "iPhone"},
		{"iPad", "iPad"},
		{"Windows", "Windows"},
		{"CrOS", "ChromeOS"},
		{"Mac OS X", "macOS"},
		{"Linux", "Linux"},
	}
)

// browserOf is a browser in words, as far as it tells.
func browserOf(agent string) string {
	find := func(in [][2]string) string {
		for _, v := range in {
			if strings.Contains(agent, v[0]) {
				return v[1]
			}
		}
		return ""
	}
	browser, system := find(browsers), find(systems)
	switch {
	case browser != "" && system != "":
		return browser + " on " + system
	case browser+system != "":
		return browser + system
	case agent == "":
		return "a browser without a name"
	}
	return format.Visible(agent)
}
