package apiclient

import (
	"errors"
	"mime"
	"net/http"

	"github.com/left4me/left4me/internal/left4me"
)

// foreignError is an answer from a proxy or from another program instead of left4me.
type foreignError struct {
	said   *left4me.Error
	status int
}

func (e *foreignError) Error() string { return e.said.Error() }
func (e *foreignError) Unwrap() error { return e.said }

// mayPass reports whether a retry may succeed, because a proxy could not reach left4me.
func (e *foreignError) mayPass() bool { return e.status >= 500 }

// foreignStatus returns the status of a foreign answer, or 0 if err is not one.
func foreignStatus(err error) int {
	var e *foreignError
	if errors.As(err, &e) {
		return e.status
	}
	return 0
}

// Statuses that only Cloudflare uses.
const (
	cloudflareDown    = 521 // up to 523: Cloudflare cannot reach the origin
	cloudflareTimeout = 524
	cloudflareLast    = 530
)

// isPage reports whether an answer is an HTML page, which the API never returns.
func isPage(res *http.Response) bool {
	kind, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
	return kind == "text/html"
}

// foreign returns the error for an answer that is not left4me's: what the proxy probably reports,
// and which of its settings to change. web/assets/js/answer.js contains the same texts for
// browsers.
func (c *Client) foreign(res *http.Response) error {
	status, at := res.StatusCode, res.Status
	unlike := "status " + at
	remote := left4me.NewError(left4me.Unavailable, "client.not_left4me", "where", c.where, "reason", unlike, "request", c.id)
	here := left4me.NewError(left4me.Unavailable, "client.not_left4me_here", "where", c.where, "reason", unlike, "request", c.id)
	switch {
	case status == http.StatusRequestEntityTooLarge:
		remote = left4me.NewError(left4me.Invalid, "proxy.request_too_large", "where", c.where, "status", at)
		here = left4me.NewError(left4me.Invalid, "proxy.request_too_large_here", "where", c.where, "status", at)
	case status == http.StatusGatewayTimeout, status == http.StatusRequestTimeout, status == cloudflareTimeout:
		remote = left4me.NewError(left4me.Unavailable, "proxy.timeout", "where", c.where, "status", at)
		here = left4me.NewError(left4me.Unavailable, "proxy.timeout_here", "where", c.where, "status", at)
	case status == http.StatusBadGateway, status == http.StatusServiceUnavailable, status >= cloudflareDown && status <= cloudflareLast:
		remote = left4me.NewError(left4me.Unavailable, "proxy.unreachable", "where", c.where, "status", at)
		here = left4me.NewError(left4me.Unavailable, "proxy.unreachable_here", "where", c.where, "status", at)
	case status < 400, status == http.StatusUnauthorized, status == http.StatusForbidden, status == http.StatusProxyAuthRequired:
		to := res.Header.Get("Location")
		remote = left4me.NewError(left4me.Unavailable, "proxy.something_else", "where", c.where, "status", at, "to", to)
		here = left4me.NewError(left4me.Unavailable, "proxy.something_else_here", "where", c.where, "status", at, "to", to)
	}
	if c.local {
		return &foreignError{here, status}
	}
	return &foreignError{remote, status}
}
