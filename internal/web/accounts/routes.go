// Package accounts contains the login page, the page of the user's own account, and the pages with
// which administrators manage users.
package accounts

import (
	"net/http"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/web/page"
)

// Pages serves the pages of accounts.
type Pages struct {
	Panel    *page.Panel
	Accounts *accounts.Accounts
}

// Routes returns the routes of accounts.
func (p *Pages) Routes() []page.Route {
	change, user := page.Site(accounts.SiteRight), page.Users()
	all := []page.Route{
		page.Everybody.Handle("GET /login", p.showLogin),
		page.Everybody.Handle("POST /login", p.login),
		page.Everybody.Handle("POST /logout", p.logout),

		page.SignedIn.Show("/account", "/account", p.accountView),
		page.SignedIn.Handle("POST /account/password", p.changePassword),
		page.SignedIn.FormAddress("/account/password"),
		page.SignedIn.Handle("POST /account/signout", p.signOutEverywhere),
		page.Own("POST", "/account/sessions", "/end", p.endSession),
		page.SignedIn.Handle("POST /account/tokens", p.createToken),
		page.SignedIn.FormAddress("/account/tokens"),
		page.Own("POST", "/account/tokens", "/revoke", p.revokeToken),

		change.Show("/users", "/users", p.usersView),
		change.Handle("POST /users", p.createUser),
		user.Show(accounts.SiteRight, "", "/users", p.userView),
		user.Handle(accounts.SiteRight, "POST", "/role", p.changeUser("role", func(r *http.Request) accounts.Change {
			return accounts.Change{Admin: new(r.PostForm.Get("role") == "admin")}
		})),
		user.Handle(accounts.SiteRight, "POST", "/disable", p.changeUser("disabled", func(*http.Request) accounts.Change {
			return accounts.Change{Disabled: new(true)}
		})),
		user.Handle(accounts.SiteRight, "POST", "/enable", p.changeUser("enabled", func(*http.Request) accounts.Change {
			return accounts.Change{Disabled: new(false)}
		})),
		user.Handle(accounts.SiteRight, "POST", "/password", p.resetPassword),
		user.Show(accounts.SiteRight, "/delete", "/users", p.deleteUserView),
		user.Handle(accounts.SiteRight, "POST", "/delete", p.deleteUser),
	}
	for _, form := range []string{"role", "disable", "enable", "password"} {
		all = append(all, user.FormAddress(accounts.SiteRight, "/"+form))
	}
	return all
}
