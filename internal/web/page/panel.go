// Package page is what all pages of the panel share: the framework that makes a
// page out of pieces and keeps it up to date, the layout around it, the components
// in it, and how requests and forms are answered.
//
// A page is a [View] that a [Builder] makes. Its answer and its stream of events come
// from the same pieces: a [Piece] that never changes is [Fixed], one that does is a
// part with the topics that it depends on, and a form keeps what people type.
package page

import (
	"log/slog"
	"net/http"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/backups"
	"github.com/left4me/left4me/internal/control/game"
	"github.com/left4me/left4me/internal/control/jobs"
	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/internal/control/uploads"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/session"
)

// Panel shows pages and follows what is on them. Its fields don't change once it
// answers requests. It is safe for concurrent use.
type Panel struct {
	Sessions *session.Sessions
	// Identify says who asks: the actor of the session of a request. Errors: left4me.Denied.
	Identify func(r *http.Request) (accounts.Actor, error)
	Assets   Assets
	Version  string
	Full     func() *left4me.Error // says what can't be done on a full disk, or nothing; nil: never
	Log      *slog.Logger

	// What pages follow.
	Servers  *servers.Servers
	Jobs     *jobs.Jobs
	Overlays *overlays.Overlays
	Uploads  *uploads.Uploads
	Game     *game.Game
	Accounts *accounts.Accounts
	Backups  *backups.Backups

	// Handler answers every address of the panel: streams that pages share ask it
	// for the events of each page.
	Handler http.Handler
	shared  sharedStreams
}
