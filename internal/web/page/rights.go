package page

import (
	"context"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/format"
)

// Permission is what a page needs to know to offer something: whether whoever looks may
// do it.
type Permission struct {
	Act bool
	err error // why not
}

// Why returns in the reader's language why the act is not allowed; empty when it is.
func (p Permission) Why(ctx context.Context) string {
	if p.err == nil {
		return ""
	}
	return format.ErrorLineOf(ctx, p.err)
}

// May says whether somebody has a right on a target.
func May(who accounts.Actor, right accounts.Right, target left4me.Target) Permission {
	if err := accounts.Allow(who, right, target); err != nil {
		return Permission{err: err}
	}
	return Permission{Act: true}
}

// May says whether whoever looks at the page has a right on a target.
func (f Frame) May(right accounts.Right, target left4me.Target) Permission {
	return May(f.Who, right, target)
}

// Rights says what somebody may do to what a page is about.
type Rights func(right accounts.Right) Permission

// RightsOn are the rights of somebody on a target.
func RightsOn(who accounts.Actor, target left4me.Target) Rights {
	return func(right accounts.Right) Permission { return May(who, right, target) }
}

// Sees reports whether somebody may see a target: only then a page links to it.
func Sees(who accounts.Actor, target left4me.Target) bool {
	return accounts.Allow(who, accounts.See, target) == nil
}

// Sees reports whether whoever looks at the page may see a target.
func (f Frame) Sees(target left4me.Target) bool { return Sees(f.Who, target) }
