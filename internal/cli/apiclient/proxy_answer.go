package apiclient

import (
	"errors"
	"mime"
	"net/http"

	"github.com/left4me/left4me/internal/left4me"
)

// foreignError is an answer that left4me didn't give: a proxy's own page, or one of
// somebody else's.
type foreignError struct {
	said   *left4me.Error
	status int
}

func (e *foreignError) Error() string { return e.said.Error() }
func (e *foreignError) Unwrap() error { return e.said }

// mayPass reports whether the same request may be answered later: a proxy waits
// for left4me.
func (e *foreignError) mayPass() bool { return e.status >= 500 }

// status says what a foreign answer had; 0 when err is none.
func foreignStatus(err error) int {
	var e *foreignError
	if errors.As(err, &e) {
		return e.status
	}
	return 0
}

// Statuses that only Cloudflare gives.
const (
	cloudflareDown    = 521 // to 523: it does not reach what is behind it
	cloudflareTimeout = 524
	cloudflareLast    = 530
)

// behindProxy is where the settings of proxies are described.
const behindProxy = "; docs/install.md has whole configurations"

// isPage reports whether an answer is a page for people: the API has none.
func isPage(res *http.Response) bool {
	kind, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
	return kind == "text/html"
}

// foreign says what an answer that is not left4me's tells of what stands between,
// and what to set there. web/assets/js/answer.js says the same to browsers.
func (c *Client) foreign(res *http.Response) error {
	e := &left4me.Error{Kind: left4me.Unavailable}
	status := res.StatusCode
	at := " (status " + res.Status + ")"
	switch {
	case status == http.StatusRequestEntityTooLarge:
		e.Kind = left4me.Invalid
		e.Text = "a proxy at " + c.where + " refuses requests of this size" + at
		e.Hint = "allow 20 MB there: client_max_body_size in nginx, request_body in Caddy" + behindProxy
	case status == http.StatusGatewayTimeout, status == http.StatusRequestTimeout, status == cloudflareTimeout:
		e.Text = "a proxy at " + c.where + " gave up waiting" + at
		e.Hint = "let it wait for 10 minutes: proxy_read_timeout in nginx, ProxyTimeout in Apache" + behindProxy
	case status == http.StatusBadGateway, status == http.StatusServiceUnavailable, status >= cloudflareDown && status <= cloudflareLast:
		e.Text = "a proxy at " + c.where + " does not reach left4me" + at
		e.Hint = "check that left4me runs, and that the proxy has its address: 127.0.0.1:8000 unless LEFT4ME_LISTEN says another"
	case status < 400, status == http.StatusUnauthorized, status == http.StatusForbidden, status == http.StatusProxyAuthRequired:
		if to := res.Header.Get("Location"); to != "" {
			at = " (status " + res.Status + ", to " + to + ")"
		}
		e.Text = "something other than left4me answered at " + c.where + at
		e.Hint = "if a proxy asks for a login there, let /api/ pass without it; otherwise check LEFT4ME_URL"
	default:
		e.Text, e.Hint = c.where+" does not answer like left4me: status "+res.Status, "check LEFT4ME_URL"
	}
	if c.local {
		e.Hint = ""
	}
	return &foreignError{e, status}
}
