package disk

import (
	"context"
	"io"
)

// Until returns a reader that reads from r and fails with the cause of ctx once ctx has ended. Long
// files need it if nothing else would notice: a file of holes compresses to so little that for
// hours no write fails after the reader has disconnected.
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
