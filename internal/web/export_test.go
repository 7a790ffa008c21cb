package web

import "time"

// Pages are the patterns of the addresses of all pages that follow what they show.
func Pages() []string {
	p := newPanel(Deps{})
	p.routes()
	return p.pages
}

// Waits are what keeps a page from showing at once what has changed, whatever the
// machine does: by the name that they have in the source.
var Waits = map[string]time.Duration{"lookPause": lookPause, "lookAtDisk": lookAtDisk}
