package page

import (
	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
)

// TextFor returns what becomes of text that a console, a job or a script holds for
// who: passwords are shown to nobody who may change nothing.
func TextFor(who accounts.Actor) func(string) string {
	if accounts.Allow(who, accounts.Act, left4me.Site) != nil {
		return left4me.HideSecrets
	}
	return func(s string) string { return s }
}
