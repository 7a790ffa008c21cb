package api

import (
	"bytes"
	"context"
	"fmt"
	"path"
	"unicode/utf8"

	"github.com/left4me/left4me/internal/api/apitype"
	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/left4me"
)

type putFileInput struct {
	Path     string `query:"path" required:"true" maxLength:"4096" doc:"Path in the overlay: left4dead2/cfg/server.cfg"`
	Base     int    `query:"base" minimum:"-1" doc:"Revision that the file was read from: later changes conflict. -1: none, 0: not checked"`
	Note     string `query:"note" maxLength:"2000" doc:"Reason for the change; stored with the revision"`
	Encoding string `query:"encoding" maxLength:"40" doc:"Save the UTF-8 body in this encoding, such as gbk or cp1251. Absent: unchanged"`
	RawBody  []byte `contentType:"application/octet-stream"`
}

// putFile publishes a revision in which one file is added or replaced, like an upload of one small
// file but in a single request.
func (a overlayRoutes) putFile(ctx context.Context, name left4me.Name, in *putFileInput) (apitype.Job, error) {
	who := actorOf(ctx)
	note := in.Note
	if note == "" {
		note = "edited " + path.Base(in.Path)
	}
	data := in.RawBody
	if in.Encoding != "" {
		if !utf8.Valid(data) {
			return apitype.Job{}, left4me.NewError(left4me.Invalid, "text.not_utf8")
		}
		var err error
		if data, err = overlays.Encoded(string(data), in.Encoding); err != nil {
			e, ok := left4me.Public(err)
			if !ok {
				return apitype.Job{}, err
			}
			moved := *e
			moved.Field = "query." + e.Field
			return apitype.Job{}, &moved
		}
	}
	return a.onOverlay(ctx, name, func(ctx context.Context, by left4me.Actor, n left4me.Name) (left4me.Job, error) {
		u, err := a.core.Uploads.Create(ctx, who, n)
		if err != nil {
			return left4me.Job{}, err
		}
		var j left4me.Job
		if _, err = a.core.Uploads.Write(ctx, who, u.ID, in.Path, 0, int64(len(data)), bytes.NewReader(data)); err == nil {
			change := &left4me.Change{Upload: u.ID, Import: left4me.Import{Exact: true}, Once: true, Base: in.Base}
			j, err = a.core.Overlays.Build(ctx, by, n, overlays.Request{Note: note, Change: change})
		}
		if err != nil {
			if derr := a.core.Uploads.Delete(ctx, who, u.ID); derr != nil { // otherwise it expires later
				logOf(ctx).WarnContext(ctx, "drop an upload", "upload", u.ID, "err", derr)
			}
		}
		return j, err
	})
}

// uploaded checks that the upload of a change exists and belongs to the actor.
func (a overlayRoutes) uploaded(ctx context.Context, who accounts.Actor, n left4me.Name, c *apitype.FilesChange) error {
	if c == nil || c.Upload == "" {
		return nil
	}
	if _, err := a.core.Uploads.Ready(ctx, who, n, c.Upload); err != nil {
		e, ok := left4me.Public(err)
		if !ok {
			return fmt.Errorf("upload %s: %w", c.Upload, err)
		}
		moved := *e
		moved.Field = "change.upload"
		return &moved
	}
	return nil
}
