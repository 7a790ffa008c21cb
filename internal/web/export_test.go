package web

import (
	"net/http"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/web/page"
	"github.com/left4me/left4me/internal/web/session"
)

// Pages returns the patterns of all pages with a stream of their changes.
func Pages() (all []string) {
	for _, r := range Routes() {
		if r.IsPage() {
			all = append(all, r.Pattern)
		}
	}
	return all
}

// Routes returns the routing table.
func Routes() []page.Route { return routes(&page.Panel{}, Deps{}) }

// NewAs is like New, with a function that replaces the actor of each request. Tests use it to restrict
// the rights of users to single targets.
func NewAs(d Deps, as func(accounts.Actor) accounts.Actor) http.Handler {
	sessions := &session.Sessions{Accounts: d.Accounts, Secure: d.Secure, Log: d.Log}
	return newPanel(d, sessions, func(r *http.Request) (accounts.Actor, error) {
		who, err := sessions.Identify(r)
		return as(who), err
	})
}
