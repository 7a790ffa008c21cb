package disk

import (
	"context"
	"io"
)

// Until returns a reader that reads from r as long as ctx lasts, and fails with its
// cause after that. Long files need it where nothing else ends: a file of holes
// packs to so little that nobody would notice for hours that its reader has gone.
func Until(ctx context.Context, r io.Reader) io.Reader { return until{ctx, r} }

type until struct {
	ctx context.Context
	r   io.Reader
}

func (u until) Read(b []byte) (int, error) {
	if u.ctx.Err() != nil {
		return 0, context.Cause(u.ctx)
	}
	return u.r.Read(b)
}
