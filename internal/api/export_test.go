package api

import (
	"net/http"
	"time"
)

// NewBeating is New with another time between the heartbeats of a stream.
func NewBeating(d Deps, beat time.Duration) http.Handler {
	return (&core{Deps: d, beat: beat}).handler()
}
