package page

import (
	"context"

	"github.com/a-h/templ"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
)

// fullPart says on every page what can't be done on a full disk.
func (p *Panel) fullPart(who accounts.Actor) *Part {
	return LazyPart("full", func(context.Context) (templ.Component, error) { return FullNote(p.fullFor(who)), nil }, OnDisk())
}

// fullFor says what can't be done on a full disk, or nothing.
func (p *Panel) fullFor(who accounts.Actor) *left4me.Error {
	if p.Full == nil {
		return nil
	}
	why := p.Full()
	switch {
	case why == nil || Sees(who, left4me.Site):
		return why
	case who == (accounts.Actor{}): // paths are not for everybody
		return left4me.NewError(left4me.DiskFull, "disk.some_full")
	}
	return left4me.NewError(left4me.DiskFull, "disk.some_full_ask")
}
