// Package accounts is login and logout, the page of one's own account, and the pages
// of users.
package accounts

import (
	"net/http"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/web/page"
)

// Pages are the pages of accounts.
type Pages struct {
	Panel    *page.Panel
	Accounts *accounts.Accounts
}

// Routes is the part of the table of routes that is about accounts.
func (p *Pages) Routes() []page.Route {
	const look, act = accounts.Look, accounts.Act
	all := []page.Route{
		page.Handle(page.Everybody, "GET /login", p.showLogin),
		page.Handle(page.Everybody, "POST /login", p.login),
		page.Handle(page.Everybody, "POST /logout", p.logout),

		page.Show(look, "/account", "/account", p.accountView),
		page.Handle(look, "POST /account/password", p.changePassword),
		page.Handle(look, "GET /account/password", p.Panel.FormAddress),
		page.Handle(look, "POST /account/signout", p.signOutEverywhere),
		page.Handle(look, "POST /account/sessions/{id}/end", p.endSession),
		page.Handle(look, "POST /account/tokens", p.createToken),
		page.Handle(look, "GET /account/tokens", p.Panel.FormAddress),
		page.Handle(look, "POST /account/tokens/{id}/revoke", p.revokeToken),

		page.Show(act, "/users", "/users", p.usersView),
		page.Handle(act, "POST /users", p.createUser),
		page.Show(act, "/users/{name}", "/users", p.userView),
		page.Handle(act, "POST /users/{name}/role", p.changeUser("role", func(r *http.Request) accounts.Change {
			return accounts.Change{Admin: new(r.PostForm.Get("role") == "admin")}
		})),
		page.Handle(act, "POST /users/{name}/disable", p.changeUser("disabled", func(*http.Request) accounts.Change {
			return accounts.Change{Disabled: new(true)}
		})),
		page.Handle(act, "POST /users/{name}/enable", p.changeUser("enabled", func(*http.Request) accounts.Change {
			return accounts.Change{Disabled: new(false)}
		})),
		page.Handle(act, "POST /users/{name}/password", p.resetPassword),
		page.Show(act, "/users/{name}/delete", "/users", p.deleteUserView),
		page.Handle(act, "POST /users/{name}/delete", p.deleteUser),
	}
	for _, form := range []string{"role", "disable", "enable", "password"} {
		all = append(all, page.Handle(act, "GET /users/{name}/"+form, p.Panel.FormAddress))
	}
	return all
}
