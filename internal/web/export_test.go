package web

import (
	"net/http"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/web/page"
	"github.com/left4me/left4me/internal/web/session"
)

// Pages are the patterns of the addresses of all pages that follow what they show.
func Pages() (all []string) {
	for _, r := range Routes() {
		if r.IsPage() {
			all = append(all, r.Pattern)
		}
	}
	return all
}

// Routes are all lines of the table of routes.
func Routes() []page.Route { return routes(&page.Panel{}, Deps{}) }

// NewAs is New with actors that are others than those of their sessions, as grants on
// single targets are to make them.
func NewAs(d Deps, as func(accounts.Actor) accounts.Actor) http.Handler {
	sessions := &session.Sessions{Accounts: d.Accounts, Secure: d.Secure, Log: d.Log}
	return newPanel(d, sessions, func(r *http.Request) (accounts.Actor, error) {
		who, err := sessions.Identify(r)
		return as(who), err
	})
}
