// Package page contains what all pages of the panel share: the framework that composes pages of pieces
// and keeps them up to date, the layout, common components, and the handling of requests and forms.
//
// A [Builder] returns a page as a [View]. The answer to the request and the stream of events use the
// same pieces: a [Fixed] piece never changes, a [Part] is sent again when a [Topic] changes that it
// depends on, and a form keeps what the user has typed.
package page

import (
	"log/slog"
	"net/http"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/backups"
	"github.com/left4me/left4me/internal/control/bulk"
	"github.com/left4me/left4me/internal/control/game"
	"github.com/left4me/left4me/internal/control/jobs"
	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/internal/control/uploads"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/session"
)

// Panel serves pages and their streams of events. Its fields must not change once it answers requests.
// It is safe for concurrent use.
type Panel struct {
	Sessions *session.Sessions
	// Identify returns the actor of a request's session. Errors: left4me.Denied.
	Identify func(r *http.Request) (accounts.Actor, error)
	Assets   Assets
	Version  string
	Full     func() *left4me.Error // returns the note about a full disk, or nil; may be nil
	Log      *slog.Logger

	// Sources of the changes that streams follow.
	Servers  *servers.Servers
	Bulk     *bulk.Bulk
	Jobs     *jobs.Jobs
	Overlays *overlays.Overlays
	Uploads  *uploads.Uploads
	Game     *game.Game
	Accounts *accounts.Accounts
	Backups  *backups.Backups

	// Handler answers all requests to the panel. Shared streams use it to open the stream of each page.
	Handler http.Handler
	shared  sharedStreams
}
