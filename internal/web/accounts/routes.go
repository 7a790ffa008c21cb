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
	const read, change = accounts.Look, accounts.Act
	all := []page.Route{
		page.Handle(page.Everybody, "GET /login", p.showLogin),
		page.Handle(page.Everybody, "POST /login", p.login),
		page.Handle(page.Everybody, "POST /logout", p.logout),

		page.Show(read, "/account", "/account", p.accountView),
		page.Handle(read, "POST /account/password", p.changePassword),
		page.Handle(read, "GET /account/password", p.Panel.FormAddress),
		page.Handle(read, "POST /account/signout", p.signOutEverywhere),
		page.Handle(read, "POST /account/sessions/{id}/end", p.endSession),
		page.Handle(read, "POST /account/tokens", p.createToken),
		page.Handle(read, "GET /account/tokens", p.Panel.FormAddress),
		page.Handle(read, "POST /account/tokens/{id}/revoke", p.revokeToken),

		page.Show(change, "/users", "/users", p.usersView),
		page.Handle(change, "POST /users", p.createUser),
		page.Show(change, "/users/{name}", "/users", p.userView),
		page.Handle(change, "POST /users/{name}/role", p.changeUser("role", func(r *http.Request) accounts.Change {
			return accounts.Change{Admin: new(r.PostForm.Get("role") == "admin")}
		})),
		page.Handle(change, "POST /users/{name}/disable", p.changeUser("disabled", func(*http.Request) accounts.Change {
			return accounts.Change{Disabled: new(true)}
		})),
		page.Handle(change, "POST /users/{name}/enable", p.changeUser("enabled", func(*http.Request) accounts.Change {
			return accounts.Change{Disabled: new(false)}
		})),
		page.Handle(change, "POST /users/{name}/password", p.resetPassword),
		page.Show(change, "/users/{name}/delete", "/users", p.deleteUserView),
		page.Handle(change, "POST /users/{name}/delete", p.deleteUser),
	}
	for _, form := range []string{"role", "disable", "enable", "password"} {
		all = append(all, page.Handle(change, "GET /users/{name}/"+form, p.Panel.FormAddress))
	}
	return all
}
