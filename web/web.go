// Package web is the panel in the browser.
package web

import (
	"log/slog"
	"net/http"

	"github.com/left4me/left4me/control/accounts"
	"github.com/left4me/left4me/control/content"
	"github.com/left4me/left4me/control/jobs"
	"github.com/left4me/left4me/control/servers"
)

// Deps is what the panel speaks for.
type Deps struct {
	Servers  *servers.Servers
	Jobs     *jobs.Jobs
	Content  *content.Content
	Accounts *accounts.Accounts
	Secure   bool // browsers come over https
	Version  string
	Log      *slog.Logger
}

// New makes the handler of the panel.
func New(d Deps) http.Handler { return http.NotFoundHandler() }
