package page

import (
	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
)

// Permission tells a page whether the reader may perform an action. Pages leave out the controls of
// actions that the reader may not perform, and do not explain why.
type Permission struct {
	Act bool
}

// May returns the permission of the actor for a right on a target.
func May(who accounts.Actor, right accounts.Right, target left4me.Target) Permission {
	return Permission{Act: accounts.Allow(who, right, target) == nil}
}

// May returns whether the reader of the page has a right on a target.
func (f Frame) May(right accounts.Right, target left4me.Target) Permission {
	return May(f.Who, right, target)
}

// Rights returns whether the reader of a page has a right on the page's target.
type Rights func(right accounts.Right) Permission

// RightsOn returns the rights of the actor on a target.
func RightsOn(who accounts.Actor, target left4me.Target) Rights {
	return func(right accounts.Right) Permission { return May(who, right, target) }
}

// Sees reports whether the actor may see a target. A page must not link to other targets.
func Sees(who accounts.Actor, target left4me.Target) bool {
	return accounts.Allow(who, accounts.See, target) == nil
}

// Sees reports whether the reader of the page may see a target.
func (f Frame) Sees(target left4me.Target) bool { return Sees(f.Who, target) }
