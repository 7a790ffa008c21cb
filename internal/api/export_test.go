package api

import (
	"net/http"
	"time"

	"github.com/left4me/left4me/internal/control/accounts"
)

// NewBeating is like New with another heartbeat interval of streams, and with actors restricted by
// narrow.
func NewBeating(d Deps, beat time.Duration, narrow func(accounts.Actor) accounts.Actor) http.Handler {
	return (&core{Deps: d, beat: beat, narrow: narrow}).handler()
}

// Need is the authorization that a route requires.
type Need struct {
	Method, Path, ID string // ID is empty if the route is not part of the description
	Everybody        bool
	Right            string // empty: any signed-in user
	On               string
}

// Needs returns the needs of all routes.
func Needs() []Need {
	c := &core{}
	var all []Need
	for _, e := range c.routes() {
		all = append(all, Need{e.method, prefix + e.path, e.id, e.needs.everybody, string(e.needs.right), e.needs.on})
	}
	for _, u := range c.undescribed(nil) {
		all = append(all, Need{u.method, u.path, "", u.needs.everybody, string(u.needs.right), u.needs.on})
	}
	return all
}
