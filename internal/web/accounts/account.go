package accounts

import (
	"net/http"
	"slices"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/locale"
	"github.com/left4me/left4me/internal/web/page"
)

// ownAccount is the data of the page of the user's own account.
type ownAccount struct {
	Who      accounts.Actor
	Sessions []accounts.Session
	Tokens   []accounts.Token
	Done     string // note about the change just made
	New      newToken
	Password page.Problems
}

func (p *Pages) ownAccount(r *http.Request, who accounts.Actor) (v ownAccount, err error) {
	v.Who, v.New.Expires = who, "90"
	if v.Sessions, err = p.Accounts.Sessions(r.Context(), who, p.Panel.Sessions.Secret(r)); err != nil {
		return v, err
	}
	v.Tokens, err = p.tokensOf(r, who, who.Name)
	return v, err
}

// accountView returns the page of the user's own account.
func (p *Pages) accountView(r *http.Request, who accounts.Actor) (page.View, error) {
	v, err := p.ownAccount(r, who)
	if err != nil {
		return page.View{}, err
	}
	v.Done = accountDone(r, len(v.Tokens))
	return p.accountWith(r, who, v), nil
}

// accountDone returns the note about the change that the page's address names, or an empty string.
func accountDone(r *http.Request, tokens int) string {
	did := r.URL.Query().Get("did")
	if !slices.Contains([]string{"password", "revoked", "ended"}, did) {
		return ""
	}
	if did == "password" && tokens > 0 {
		did = "password_tokens"
	}
	return locale.T(r.Context(), "accounts.account.done."+did, "count", tokens)
}

func (p *Pages) accountWith(r *http.Request, who accounts.Actor, v ownAccount) page.View {
	f := p.Panel.Frame(r, who, locale.T(r.Context(), "page.account"), "account")
	return page.View{Frame: f, At: "/account", Body: []page.Piece{page.Fixed(accountHead(f, v.Done)), page.Box("columns accounts",
		page.Box("", page.NewPart("tokens", tokenCard(v.Tokens, locale.T(r.Context(), "accounts.tokens.none")), page.OnAccounts()),
			page.Fixed(newTokenForm(v.New))),
		page.Box("",
			p.Panel.Form(r, "password", passwordForm(ownAccount{Who: v.Who, Tokens: v.Tokens}), page.OnAccounts()).As(passwordForm(v)),
			page.NewPart("sessions", ownSessions(v.Sessions), page.OnAccounts())),
	)}}
}
