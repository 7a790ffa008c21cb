// Package session identifies who sends a request to the panel: cookies, sessions and client addresses.
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

// Param is the query parameter with the Tag of the session that the requesting page belongs to.
const Param = "session"

// Sessions reads the sessions of requests and sets those of browsers. It is safe for concurrent use.
type Sessions struct {
	Accounts *accounts.Accounts
	Secure   bool // browsers connect over https
	Log      *slog.Logger

	unreadable sync.Once // warns once about malformed X-Forwarded-For headers
}

var errOtherSession = left4me.NewError(left4me.Denied, "session.page_ended")

// Identify returns the actor of a request's session. A request that names the session of its page is
// denied if the browser has another session now, so that an open page never shows another user's data.
// Errors: left4me.Denied.
func (s *Sessions) Identify(r *http.Request) (accounts.Actor, error) {
	if strings.Contains(r.URL.RawQuery, Param+"=") {
		if named := r.URL.Query().Get(Param); named != Tag(s.Secret(r)) {
			return accounts.Actor{}, errOtherSession
		}
	}
	return s.Accounts.Authenticate(r.Context(), s.Secret(r))
}

// Secret returns the session secret in a request, or an empty string.
func (s *Sessions) Secret(r *http.Request) string { return s.Cookie(r, sessionCookie) }

// Tag returns an identifier of a session for pages and addresses, which does not reveal its secret.
func Tag(session string) string {
	if session == "" {
		return ""
	}
	sum := sha256.Sum256([]byte("left4me page of\x00" + session))
	return base64.RawURLEncoding.EncodeToString(sum[:9])
}
