package api

import (
	"bytes"
	"context"
	"net/http"
	"path"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/left4me"
)

type pictureInput struct {
	File     string `query:"file" required:"true" maxLength:"1000" doc:"file of a campaign"`
	Image    string `query:"image" required:"true" maxLength:"1000" doc:"image of the campaign or of a chapter"`
	Revision int    `query:"revision" doc:"Revision of the overlay; default: the current one"`
}

// picture is the operation that returns an image from an add-on. It serves only image
// data that browsers display, regardless of the file name, and nothing that a browser could execute.
func picture(path, id, summary string,
	read func(context.Context, left4me.Name, *pictureInput) (overlays.FileAnswer, error),
) operationOn[left4me.Name] {
	return operationOn[left4me.Name]{get, path, id, http.StatusOK, summary, func(h huma.API, op huma.Operation) {
		content := map[string]*huma.MediaType{}
		for _, kind := range pictures {
			content[kind] = &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}
		}
		op.Responses["200"] = &huma.Response{Description: "A JPEG or PNG image of at most 1 MiB", Content: content}
		huma.Register(h, op, found(func(ctx context.Context, n left4me.Name, in *pictureInput) (*huma.StreamResponse, error) {
			kind, data, err := readPicture(ctx, n, in, read)
			if err != nil {
				return nil, problemOf(ctx, err)
			}
			return &huma.StreamResponse{Body: func(hc huma.Context) {
				hc.SetHeader("Content-Type", kind)
				hc.SetHeader("Content-Security-Policy", "default-src 'none'; sandbox")
				_, _ = hc.BodyWriter().Write(data)
			}}, nil
		}))
	}}
}

// pictures maps the first bytes of a file to the media types of supported images.
var pictures = map[string]string{"\xff\xd8\xff": "image/jpeg", "\x89PNG\r\n\x1a\n": "image/png"}

func readPicture(ctx context.Context, n left4me.Name, in *pictureInput,
	read func(context.Context, left4me.Name, *pictureInput) (overlays.FileAnswer, error),
) (kind string, data []byte, err error) {
	none := left4me.NewError(left4me.NotFound, "picture.unknown")
	switch strings.ToLower(path.Ext(in.Image)) {
	case ".jpg", ".png":
	default:
		return "", nil, none // other files of a layer need more rights
	}
	if strings.ToLower(path.Ext(in.File)) != ".vpk" {
		return "", nil, none
	}
	f, err := read(ctx, n, in)
	if err != nil {
		return "", nil, err
	}
	for begin, kind := range pictures {
		if bytes.HasPrefix(f.Data, []byte(begin)) {
			return kind, f.Data, nil
		}
	}
	return "", nil, none
}

func (a serverRoutes) picture(ctx context.Context, n left4me.Name, in *pictureInput) (overlays.FileAnswer, error) {
	return a.core.Servers.Files().Get(ctx, n, in.File, in.Image)
}

func (a overlayRoutes) picture(ctx context.Context, n left4me.Name, in *pictureInput) (overlays.FileAnswer, error) {
	return a.core.Overlays.Revisions().File(ctx, n, in.Revision, in.File, in.Image)
}
