package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/left4me/left4me/internal/api/apitype"
	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/control/uploads"
	"github.com/left4me/left4me/internal/httpserver"
	"github.com/left4me/left4me/internal/left4me"
)

// uploadRoutes handles requests about uploads.
type uploadRoutes struct{ core *core }

const (
	// offsetHeader is the number of bytes of a file received so far, whether or not the piece was
	// accepted.
	offsetHeader = "Upload-Offset"
)

func uploadOf(v uploads.Upload) apitype.Upload {
	u := apitype.Upload{
		ID:        v.ID,
		By:        v.By,
		Overlay:   v.Overlay,
		CreatedAt: v.CreatedAt,
		ExpiresAt: v.TouchedAt.Add(uploads.Keep).UTC(),
		Complete:  v.Complete(),
		Files:     make([]apitype.UploadFile, len(v.Files)),
	}
	for i, f := range v.Files {
		u.Files[i] = apitype.UploadFile(f)
	}
	return u
}

func (a uploadRoutes) createUpload(ctx context.Context, n left4me.Name, in *struct {
	// Hidden because oapi-codegen would change the function's signature for a first parameter.
	Languages string `header:"Accept-Language" hidden:"true"`
},
) (apitype.Upload, error) {
	o, err := a.core.Overlays.Get(ctx, n)
	if err != nil {
		return apitype.Upload{}, err
	}
	if o.Kind != left4me.FilesOverlay {
		return apitype.Upload{}, left4me.NewError(left4me.Invalid, "overlay.takes_no_uploads", "overlay", n, "kind",
			o.Kind).InField("path.name")
	}
	v, err := a.core.Uploads.Create(ctx, actorOf(ctx), n)
	if err == nil {
		err = a.core.Overlays.FirstUpload(ctx, in.Languages)
	}
	return uploadOf(v), err
}

func archiveNamesOf(encoding string) apitype.ArchiveNamesShown {
	shown := apitype.ArchiveNamesShown{ArchiveNames: apitype.ArchiveNames{Encoding: encoding}, Encodings: []apitype.NameEncoding{}}
	for _, e := range overlays.NameEncodings() {
		shown.Encodings = append(shown.Encodings, apitype.NameEncoding(e))
	}
	return shown
}

func (a uploadRoutes) showArchiveNames(ctx context.Context, _ *none) (apitype.ArchiveNamesShown, error) {
	v, err := a.core.Overlays.ArchiveNames(ctx)
	return archiveNamesOf(v), err
}

func (a uploadRoutes) setArchiveNames(ctx context.Context, in *struct{ Body apitype.ArchiveNames }) (apitype.ArchiveNamesShown, error) {
	v, err := a.core.Overlays.SetArchiveNames(ctx, in.Body.Encoding)
	return archiveNamesOf(v), err
}

func (a uploadRoutes) listUploads(ctx context.Context, _ *ListInput) ([]apitype.Upload, error) {
	found, err := a.core.Uploads.List(ctx, actorOf(ctx))
	if err != nil {
		return nil, err
	}
	found = accounts.Visible(actorOf(ctx), found, func(v uploads.Upload) left4me.Target { return left4me.OnOverlay(v.Overlay) })
	all := make([]apitype.Upload, len(found))
	for i, v := range found {
		all[i] = uploadOf(v)
	}
	return all, nil
}

func (a uploadRoutes) showUpload(ctx context.Context, id string, _ *none) (apitype.Upload, error) {
	v, err := a.core.Uploads.Get(ctx, actorOf(ctx), id)
	return uploadOf(v), err
}

func (a uploadRoutes) deleteUpload(ctx context.Context, id string, _ *none) (apitype.DroppedUpload, error) {
	return apitype.DroppedUpload{ID: id}, a.core.Uploads.Delete(ctx, actorOf(ctx), id)
}

func (a uploadRoutes) planUpload(ctx context.Context, id string, in *struct {
	Body apitype.UploadChange
},
) (left4me.Plan, error) {
	v, err := a.core.Uploads.Get(ctx, actorOf(ctx), id)
	if err == nil {
		v, err = a.core.Uploads.Ready(ctx, actorOf(ctx), v.Overlay, id)
	}
	if err != nil {
		return left4me.Plan{}, err
	}
	b := in.Body
	p, err := a.core.Overlays.Plan(ctx, v.Overlay,
		left4me.Change{Upload: v.ID, Import: b.Import, Replace: b.Replace, Delete: b.Delete, Base: b.Base})
	if p.Files == nil {
		p.Files = []left4me.PlanFile{}
	}
	if p.Problem != nil {
		p.Problem = p.Problem.Rendered()
	}
	return p, err
}

// piece is the operation that receives a piece of a file as raw bytes of any length.
func (a uploadRoutes) piece(path, id, summary string) operationOn[string] {
	return operationOn[string]{put, path, id, http.StatusOK, summary, func(h huma.API, op huma.Operation) {
		op.Description = "The body is a piece of the file; the first piece starts the file. A piece may have any length. Pieces " +
			"may be sent in parallel: a piece that is at most 16 MiB ahead waits for the pieces before it, until no data has arrived " +
			"for 2 s. After an interrupted connection, request the upload and continue after the bytes received. Each answer has " +
			"this number in its header " + offsetHeader + "."
		op.RequestBody = &huma.RequestBody{
			Required: true,
			Content: map[string]*huma.MediaType{
				"application/octet-stream": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}},
			},
		}
		op.SkipValidateBody = true
		op.Responses["200"] = &huma.Response{
			Description: "Number of bytes received so far",
			Headers: map[string]*huma.Param{
				offsetHeader: {Description: "Number of bytes received so far", Schema: &huma.Schema{Type: huma.TypeInteger}},
			},
			Content: map[string]*huma.MediaType{"application/json": {Schema: schemaOf[apitype.UploadFile](h)}},
		}
		huma.Register(h, op, found(func(ctx context.Context, id string, in *struct {
			Path   string `query:"path" required:"true" doc:"Path within the upload, with slashes: addons/x.vpk"`
			Offset int64  `query:"offset" minimum:"0" doc:"Position of this piece: the number of bytes received so far"`
			Size   int64  `query:"size" default:"-1" minimum:"-1" doc:"Size of the whole file in bytes; -1 while unknown"`
		},
		) (*huma.StreamResponse, error) {
			actor := actorOf(ctx)
			return &huma.StreamResponse{Body: func(hc huma.Context) {
				r, w := humago.Unwrap(hc)
				body := httpserver.SlowBody(w, r.Body)
				f, err := a.core.Uploads.Write(ctx, actor, id, in.Path, in.Offset, in.Size, body)
				w.Header().Set(offsetHeader, strconv.FormatInt(f.Have, 10))
				if err != nil {
					uploads.Drain(body)
					writeProblem(w, problemOf(ctx, httpserver.CutOff(err)))
					return
				}
				w.Header().Set("Content-Type", "application/json")
				_ = json.NewEncoder(w).Encode(apitype.UploadFile(f))
			}}, nil
		}))
	}}
}

// byTimeOfUpload orders uploads oldest first.
var byTimeOfUpload = order[apitype.Upload]{key: func(v apitype.Upload) string {
	return fmt.Sprintf("%d %s", v.CreatedAt.UnixNano(), v.ID)
}}
