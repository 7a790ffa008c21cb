package page

import (
	"context"

	"github.com/a-h/templ"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
)

// fullPart returns the part of every page that shows the note about a full disk.
func (p *Panel) fullPart(who accounts.Actor) *Part {
	return LazyPart("full", func(context.Context) (templ.Component, error) { return FullNote(p.fullFor(who)), nil }, OnDisk())
}

// fullFor returns the note about a full disk, without parts that the actor may not read; nil if no disk
// is full.
func (p *Panel) fullFor(who accounts.Actor) *left4me.Error {
	if p.Full == nil {
		return nil
	}
	why := p.Full()
	switch {
	case why == nil || Sees(who, left4me.Site):
		return why
	case who == (accounts.Actor{}): // users who are not logged in must not learn paths
		return left4me.NewError(left4me.DiskFull, "disk.some_full")
	}
	return left4me.NewError(left4me.DiskFull, "disk.some_full_ask")
}
