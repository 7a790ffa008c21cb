// Package httpserver is what panel and API do alike as servers of HTTP: the status of
// each kind of failure, ids of requests, bodies of slow clients and streams
// of events.
package httpserver

import (
	"net/http"

	"github.com/left4me/left4me/internal/left4me"
)

// statuses is the one table of what a kind of failure is in HTTP.
var statuses = map[left4me.Kind]int{
	left4me.NotFound:    http.StatusNotFound,
	left4me.Conflict:    http.StatusConflict,
	left4me.Invalid:     http.StatusUnprocessableEntity,
	left4me.Denied:      http.StatusForbidden, // 401 when nobody is logged in
	left4me.Busy:        http.StatusTooManyRequests,
	left4me.Unavailable: http.StatusServiceUnavailable,
	left4me.DiskFull:    http.StatusInsufficientStorage,
}

// Status returns the status of a kind of failure; ok is false for a kind that is shown
// to nobody.
func Status(kind left4me.Kind) (status int, ok bool) {
	status, ok = statuses[kind]
	return status, ok
}
