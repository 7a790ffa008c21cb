// Package session is who sends a request to the panel: cookies, sessions, and the
// address that a request comes from.
package session

import (
	"log/slog"
	"sync"

	"github.com/left4me/left4me/internal/control/accounts"
)

// Sessions reads sessions out of requests and gives them to browsers. It is safe for
// concurrent use.
type Sessions struct {
	Accounts *accounts.Accounts
	Secure   bool // browsers come over https
	Log      *slog.Logger

	unreadable sync.Once // a header of a proxy
}
