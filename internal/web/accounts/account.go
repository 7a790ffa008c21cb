package accounts

import (
	"net/http"

	"github.com/left4me/left4me/internal/control/accounts"
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
