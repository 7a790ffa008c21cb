// Package httpserver contains the parts of an HTTP server that panel and API share: the status of
// each kind of error, request ids, bodies of slow clients and event streams.
package httpserver

import (
	"net/http"

	"github.com/left4me/left4me/internal/left4me"
)

// statuses maps each kind of error to its HTTP status.
var statuses = map[left4me.Kind]int{
	left4me.NotFound:    http.StatusNotFound,
	left4me.Conflict:    http.StatusConflict,
	left4me.Invalid:     http.StatusUnprocessableEntity,
	left4me.Denied:      http.StatusForbidden, // 401 if the user is not logged in
	left4me.Busy:        http.StatusTooManyRequests,
	left4me.Unavailable: http.StatusServiceUnavailable,
	left4me.DiskFull:    http.StatusInsufficientStorage,
}

// Status returns the HTTP status of a kind of error. ok is false for internal errors, which are not
// shown to users.
func Status(kind left4me.Kind) (status int, ok bool) {
	status, ok = statuses[kind]
	return status, ok
}
