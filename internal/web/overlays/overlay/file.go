package overlay

import (
	"context"

	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/filelist"
	"github.com/left4me/left4me/internal/web/page"
)

// File reads a file of a revision from the host. rev 0 is the current revision, and file
// may be the path of a file inside a VPK. Errors: left4me.NotFound.
func (p *Core) File(ctx context.Context, name left4me.Name, rev int, file string) (overlays.FileAnswer, error) {
	of, in := filelist.SplitVPK(file)
	if of == "" {
		return overlays.FileAnswer{}, page.ErrNoPage
	}
	return p.Overlays.Revisions().File(ctx, name, rev, of, in)
}
