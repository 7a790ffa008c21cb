package create

import (
	"context"

	"github.com/a-h/templ"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/page"
)

// Note returns the note on the page of a server that was just created. It follows the start.
func (p *Pages) Note(name left4me.Name) *page.Part {
	return page.LazyPart("created", func(ctx context.Context) (templ.Component, error) {
		v, err := p.Servers.Get(ctx, name)
		return createdNote(v), err
	}, page.OnServer(name))
}
