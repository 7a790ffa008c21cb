package page

import (
	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
)

// TextFor returns what becomes of text that a console, a job or a script of a target
// holds for who: passwords are shown to nobody who may not configure it.
func TextFor(who accounts.Actor, target left4me.Target) func(string) string {
	if accounts.Allow(who, accounts.Configure, target) != nil {
		return left4me.HideSecrets
	}
	return func(s string) string { return s }
}
