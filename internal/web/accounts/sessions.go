package accounts

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/locale"
	"github.com/left4me/left4me/internal/web/format"
)

// endSession ends one of the user's own sessions.
func (p *Pages) endSession(w http.ResponseWriter, r *http.Request, who accounts.Actor, id string) error {
	// NotFound is a success: the session has ended already.
	if err := p.Accounts.EndSession(r.Context(), who, id); err != nil && !errors.Is(err, left4me.NotFound) {
		return err
	}
	http.Redirect(w, r, "/account?did=ended", http.StatusSeeOther)
	return nil
}

// signOutEverywhere ends all sessions of the user, including the one of this browser.
func (p *Pages) signOutEverywhere(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	if _, err := p.Accounts.SignOut(r.Context(), who); err != nil {
		return err
	}
	return p.signedOut(w, r)
}

// browsers and systems map parts of User-Agent headers to names. The first match wins, because most
// headers also contain the names of other browsers.
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

// browserOf returns the browser and operating system that a User-Agent header names.
func browserOf(ctx context.Context, agent string) string {
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
		return locale.T(ctx, "accounts.sessions.browser", "browser", browser, "system", system)
	case browser+system != "":
		return browser + system
	case agent == "":
		return locale.T(ctx, "accounts.sessions.unknown_browser")
	}
	return format.Visible(agent)
}
