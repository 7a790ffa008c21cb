package accounts

import (
	"errors"
	"net/http"
	"strings"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/format"
	"github.com/left4me/left4me/internal/web/page"
)

// ownAccount is what people see of their own account.
type ownAccount struct {
	Who      accounts.Actor
	Sessions []accounts.Session
	Tokens   []accounts.Token
	Told     string // what was just done
	New      newToken
	Password page.Problems
}

// told is what the address of a page says of what was just done.
func told(r *http.Request, texts map[string]string) string { return texts[r.URL.Query().Get("did")] }

func (p *Pages) ownAccount(r *http.Request, who accounts.Actor) (v ownAccount, err error) {
	v.Who, v.New.Expires = who, "90"
	if v.Sessions, err = p.Accounts.Sessions(r.Context(), who, p.Panel.Sessions.Secret(r)); err != nil {
		return v, err
	}
	v.Tokens, err = p.tokensOf(r, who, who.Name)
	return v, err
}

// accountView is the page of one's own account.
func (p *Pages) accountView(r *http.Request, who accounts.Actor) (page.View, error) {
	v, err := p.ownAccount(r, who)
	if err != nil {
		return page.View{}, err
	}
	v.Told = told(r, map[string]string{
		"password": "Password changed. Every other browser was signed out." + tokensStay(len(v.Tokens)),
		"revoked":  "Token revoked. It no longer works.",
		"ended":    "That browser was signed out.",
	})
	return p.accountWith(r, who, v), nil
}

func (p *Pages) accountWith(r *http.Request, who accounts.Actor, v ownAccount) page.View {
	f := p.Panel.Frame(r, who, "Account", "account")
	return page.View{Frame: f, At: "/account", Body: []page.Piece{page.Fixed(accountHead(f, v.Told)), page.Box("columns accounts",
		page.Box("", page.NewPart("tokens", tokenCard(v.Tokens, "A token may do what you may do. You have none."), page.OnAccounts()),
			page.Fixed(newTokenForm(v.New))),
		page.Box("",
			p.Panel.Form(r, "password", passwordForm(ownAccount{Who: v.Who, Tokens: v.Tokens}), page.OnAccounts()).As(passwordForm(v)),
			page.NewPart("sessions", ownSessions(v.Sessions), page.OnAccounts())),
	)}}
}

// changePassword changes the own password. This browser goes on in a new session.
func (p *Pages) changePassword(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	if err := r.ParseForm(); err != nil {
		return page.BadForm(err)
	}
	get := r.PostForm.Get
	wrong, err := page.Problems{}, error(nil)
	if get("password") != get("again") {
		wrong["again"] = "The two new passwords differ."
	} else {
		var o accounts.Outcome
		o, err = p.Accounts.ChangePassword(r.Context(), who, accounts.PasswordChange{
			Current: get("current_password"), New: get("password"), RevokeTokens: get("revoke") != "",
		})
		if err == nil {
			cookie, err := p.Accounts.Begin(r.Context(), o, p.Panel.Sessions.Address(r), r.UserAgent())
			if err != nil {
				return err
			}
			p.Panel.Sessions.SetSession(w, cookie)
			http.Redirect(w, r, "/account?did=password", http.StatusSeeOther)
			return nil
		}
	}
	status := http.StatusUnprocessableEntity
	if errors.Is(err, left4me.Busy) {
		page.RetryAfter(w, err)
		status, wrong["current_password"] = http.StatusTooManyRequests, format.Sentence(format.ErrorLineOf(err))
	} else if err != nil {
		var ok bool
		if wrong, ok = page.ProblemsOf(err); !ok {
			return err
		}
	}
	v, err := p.ownAccount(r, who)
	if err != nil {
		return err
	}
	v.Password = wrong
	return p.Panel.Show(w, r, status, p.accountWith(r, who, v))
}

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
