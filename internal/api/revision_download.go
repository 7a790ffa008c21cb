package api

import (
	"context"
	"fmt"
	"net/http"
	"path"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/left4me/left4me/internal/httpserver"
	"github.com/left4me/left4me/internal/left4me"
)

// mediaTypes are the media types of the available archive formats.
var mediaTypes = map[string]string{"zip": "application/zip", "tar": "application/x-tar", "tar.zst": "application/zstd"}

// ArchiveInput is the request for a revision as an archive.
type ArchiveInput struct {
	ByRevision
	Format string `query:"format" default:"zip" enum:"zip,tar,tar.zst"`
}

// RawInput is the request for one file of a revision.
type RawInput struct {
	ByRevision
	Path string `query:"path" required:"true" maxLength:"4096"`
}

var binary = &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}

// archiveDownload is the operation that downloads a revision as an archive.
func (a overlayRoutes) archiveDownload(path, id, summary string) operationOn[left4me.Name] {
	return operationOn[left4me.Name]{get, path, id, http.StatusOK, summary, func(h huma.API, op huma.Operation) {
		op.Responses["200"] = &huma.Response{
			Description: "All files of the revision. An interrupted download is an incomplete archive",
			Content:     map[string]*huma.MediaType{},
		}
		for _, t := range mediaTypes {
			op.Responses["200"].Content[t] = binary
		}
		huma.Register(h, op, found(a.downloadRevision))
	}}
}

// fileDownload is the operation that downloads one file of a revision.
func (a overlayRoutes) fileDownload(path, id, summary string) operationOn[left4me.Name] {
	return operationOn[left4me.Name]{get, path, id, http.StatusOK, summary, func(h huma.API, op huma.Operation) {
		op.Responses["200"] = &huma.Response{
			Description: "The file",
			Content:     map[string]*huma.MediaType{"application/octet-stream": binary},
		}
		inParts(&op)
		huma.Register(h, op, found(a.downloadFile))
	}}
}

// inParts adds range requests to the description of an operation.
func inParts(op *huma.Operation) {
	whole := op.Responses["200"]
	op.Responses["206"] = &huma.Response{Description: "The range requested by the Range header", Content: whole.Content}
}

func (a overlayRoutes) downloadRevision(ctx context.Context, n left4me.Name, in *ArchiveInput) (*huma.StreamResponse, error) {
	number, err := in.read()
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	r, err := a.core.Downloads.Open(ctx, n, number)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	archive, err := r.Archive(ctx, in.Format)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		_, w := humago.Unwrap(hc)
		httpserver.Attachment(w, mediaTypes[in.Format], fmt.Sprintf("%s-%d.%s", n, r.Number, in.Format))
		a.core.sendWhileAllowed(ctx, hc, func(req *http.Request) {
			httpserver.Generate(w, req, archive.Write, func(err error) {
				a.core.Log.ErrorContext(ctx, "download of a revision", "overlay", n, "revision", r.Number, "err", err)
			})
		})
	}}, nil
}

func (a overlayRoutes) downloadFile(ctx context.Context, n left4me.Name, in *RawInput) (*huma.StreamResponse, error) {
	number, err := in.read()
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	r, err := a.core.Downloads.Open(ctx, n, number)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	f, err := r.File(ctx, in.Path)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		defer f.Close()
		_, w := humago.Unwrap(hc)
		httpserver.Attachment(w, "application/octet-stream", path.Base(in.Path))
		w.Header().Set("Etag", fmt.Sprintf(`"%s-%d"`, n, r.Number)) // revisions are immutable
		a.core.sendWhileAllowed(ctx, hc, func(req *http.Request) {
			httpserver.Content(w, req, time.Time{}, f, func(err error) {
				a.core.Log.ErrorContext(ctx, "download of a file", "overlay", n, "revision", r.Number, "file", in.Path, "err", err)
			})
		})
	}}, nil
}
