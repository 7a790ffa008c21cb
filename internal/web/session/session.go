// Package session is who sends a request to the panel: cookies, sessions, and the
// address that a request comes from.
package session

import (
	"crypto/sha256"
	"encoding/base64"
	"log/slog"
	"net/http"
	"strings"
	"sync"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
)

// Param of an address says which session the page belongs to that asks.
const Param = "session"

// Sessions reads sessions out of requests and gives them to browsers. It is safe for
// concurrent use.
type Sessions struct {
	Accounts *accounts.Accounts
	Secure   bool // browsers come over https
	Log      *slog.Logger

	unreadable sync.Once // a header of a proxy
}

var errOtherSession = left4me.NewError(left4me.Denied, "session.page_ended")

// Identify says whose session a request belongs to. A request that names the
// session of its page is nobody's when the browser has another session by now: no
// page shows what is meant for somebody else. Errors: left4me.Denied.
func (s *Sessions) Identify(r *http.Request) (accounts.Actor, error) {
	if strings.Contains(r.URL.RawQuery, Param+"=") {
		if named := r.URL.Query().Get(Param); named != Tag(s.Secret(r)) {
			return accounts.Actor{}, errOtherSession
		}
	}
	return s.Accounts.Authenticate(r.Context(), s.Secret(r))
}

// Secret is the session's secret in a request, or nothing.
func (s *Sessions) Secret(r *http.Request) string { return s.Cookie(r, sessionCookie) }

// Tag tells sessions apart in pages and addresses, and is of no use to
// anybody who wants to be one.
func Tag(session string) string {
	if session == "" {
		return ""
	}
	sum := sha256.Sum256([]byte("left4me page of\x00" + session))
	return base64.RawURLEncoding.EncodeToString(sum[:9])
}
