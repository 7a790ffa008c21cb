package api

import (
	"net/http"
	"time"

	"github.com/left4me/left4me/internal/control/accounts"
)

// NewBeating is New with another time between the heartbeats of a stream, for whom
// narrow makes of those who ask.
func NewBeating(d Deps, beat time.Duration, narrow func(accounts.Actor) accounts.Actor) http.Handler {
	return (&core{Deps: d, beat: beat, narrow: narrow}).handler()
}

// Need is what a route of the table needs.
type Need struct {
	Method, Path, ID string // no ID: it is not in the description
	Everybody        bool
	Right            string // empty: a login
	On               string
}

// Needs are those of all routes.
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
