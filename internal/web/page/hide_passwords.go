package page

import (
	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
)

// TextFor returns the function that prepares the text of a target's console, jobs or scripts for the
// actor. It hides passwords unless the actor may configure the target.
func TextFor(who accounts.Actor, target left4me.Target) func(string) string {
	if accounts.Allow(who, accounts.Configure, target) != nil {
		return left4me.HideSecrets
	}
	return func(s string) string { return s }
}
