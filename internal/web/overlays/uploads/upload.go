package uploads

import (
	"context"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"path"
	"strconv"
	"strings"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/uploads"
	"github.com/left4me/left4me/internal/httpserver"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/locale"
	"github.com/left4me/left4me/internal/web/format"
	"github.com/left4me/left4me/internal/web/page"
)

// uploadView is the content of the page that uploads files.
type uploadView struct {
	Upload  *uploads.Upload  // the upload to continue, or nil
	Open    []uploads.Upload // other unpublished uploads of the user to the overlay
	Problem string
}

// uploadView returns the page that uploads files. The query id continues an upload.
func (p *Pages) uploadView(r *http.Request, who accounts.Actor, name left4me.Name) (page.View, error) {
	return p.uploadWith(r, who, name, "")
}

func (p *Pages) uploadWith(r *http.Request, who accounts.Actor, name left4me.Name, problem string) (page.View, error) {
	o, err := p.Overlay.Page(r, who, name, "contents")
	if err != nil {
		return page.View{}, err
	}
	if o.Kind != left4me.FilesOverlay {
		return page.View{}, page.ErrNoPage
	}
	v := uploadView{Problem: problem}
	open, err := p.Uploads.List(r.Context(), who)
	if err != nil {
		return page.View{}, err
	}
	id := r.URL.Query().Get("id")
	for _, u := range open {
		if u.Overlay != o.Name || len(u.Files) == 0 {
			continue
		}
		if u.ID == id {
			v.Upload = &u
		} else {
			v.Open = append(v.Open, u)
		}
	}
	begun := page.NewPart("open-uploads", openUploads(o, v.Open), page.OnUploads(), page.OnEnds(left4me.BuildOverlay.Noun()))
	page := p.Overlay.View(r, who, o, page.Columns(page.Fixed(uploadCard(o, v)), page.Pieces(begun, page.Fixed(writeInstead(o)))))
	page.Scripts = []string{"upload.js"}
	return page, nil
}

// have returns the number of bytes of an upload that were received.
func have(u uploads.Upload) (n int64) {
	for _, f := range u.Files {
		n += f.Have
	}
	return n
}

// sizeOfUpload returns the size in bytes of the files of an upload, without files that the
// browser has not started to send.
func sizeOfUpload(u uploads.Upload) (n int64) {
	for _, f := range u.Files {
		n += max(f.Size, f.Have)
	}
	return n
}

// beginUpload creates an upload for upload.js and answers with its id as JSON.
func (p *Pages) beginUpload(w http.ResponseWriter, r *http.Request, who accounts.Actor, name left4me.Name) error {
	u, err := p.Uploads.Create(r.Context(), who, name)
	if err == nil {
		err = p.Overlays.FirstUpload(r.Context(), r.Header.Get("Accept-Language"))
	}
	if err != nil {
		return err
	}
	return page.AnswerJSON(w, http.StatusCreated, map[string]any{"id": u.ID, "files": []any{}})
}

// uploadedFile is the progress of a file of an upload, as JSON.
type uploadedFile struct {
	Path string `json:"path"`
	Size int64  `json:"size"`
	Have int64  `json:"have"`
}

// uploadState answers with the progress of each file of an upload as JSON.
func (p *Pages) uploadState(w http.ResponseWriter, r *http.Request, who accounts.Actor, at page.Upload) error {
	u, err := p.Uploads.Get(r.Context(), who, at.ID)
	if err != nil {
		return err
	}
	files := make([]uploadedFile, len(u.Files))
	for i, f := range u.Files {
		files[i] = uploadedFile(f)
	}
	return page.AnswerJSON(w, http.StatusOK, map[string]any{"id": u.ID, "files": files})
}

// uploadPiece stores a piece of a file. If the piece does not continue the file, the answer
// returns the offset at which to continue.
func (p *Pages) uploadPiece(w http.ResponseWriter, r *http.Request, who accounts.Actor, at page.Upload) error {
	q := r.URL.Query()
	offset, err1 := strconv.ParseInt(q.Get("offset"), 10, 64)
	size, err2 := strconv.ParseInt(q.Get("size"), 10, 64)
	if err1 != nil || err2 != nil {
		return left4me.NewError(left4me.Invalid, "upload.numbers_needed")
	}
	body := httpserver.SlowBody(w, r.Body)
	f, err := p.Uploads.Write(r.Context(), who, at.ID, q.Get("path"), offset, size, body)
	if err != nil {
		uploads.Drain(body)
	}
	if errors.Is(err, left4me.Conflict) {
		e, _ := page.Public(who, err)
		return page.AnswerJSON(w, http.StatusConflict,
			map[string]any{"text": format.ErrorText(r.Context(), e), "hint": format.ErrorHint(r.Context(), e), "have": f.Have})
	}
	if err != nil {
		return httpserver.CutOff(err)
	}
	return page.AnswerJSON(w, http.StatusOK, uploadedFile(f))
}

// uploadForm stores the files of a form, which browsers without scripts send. Files are
// written to disk while they are received, not buffered in memory.
func (p *Pages) uploadForm(w http.ResponseWriter, r *http.Request, who accounts.Actor, name left4me.Name) error {
	kind, more, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/form-data" {
		return left4me.NewError(left4me.Invalid, "upload.no_form")
	}
	parts := multipart.NewReader(httpserver.SlowBody(w, r.Body), more["boundary"])
	var u uploads.Upload
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return httpserver.CutOff(errors.Join(httpserver.ErrBody, err))
		}
		if part.FormName() != "file" || part.FileName() == "" {
			continue
		}
		if u.ID == "" {
			if u, err = p.Uploads.Create(r.Context(), who, name); err != nil {
				return err
			}
			if err := p.Overlays.FirstUpload(r.Context(), r.Header.Get("Accept-Language")); err != nil {
				return err
			}
		}
		if err := p.takeFile(r, who, u.ID, path.Base(strings.ReplaceAll(part.FileName(), `\`, "/")), part); err != nil {
			_ = p.Uploads.Delete(r.Context(), who, u.ID) // otherwise, it expires later
			if wrong, ok := page.ProblemsOf(r.Context(), who, httpserver.CutOff(err)); ok {
				return p.wrongUpload(w, r, who, name, wrong.All())
			}
			return httpserver.CutOff(err)
		}
	}
	if u.ID == "" {
		return p.wrongUpload(w, r, who, name, locale.T(r.Context(), "overlays.upload.no_file"))
	}
	http.Redirect(w, r, page.OverlayPath(name, "/uploads/", u.ID), http.StatusSeeOther)
	return nil
}

// wrongUpload answers with the upload page and why the form was refused.
func (p *Pages) wrongUpload(w http.ResponseWriter, r *http.Request, who accounts.Actor, name left4me.Name, problem string) error {
	v, err := p.uploadWith(r, who, name, problem)
	if err != nil {
		return err
	}
	return p.Panel.Show(w, r, http.StatusUnprocessableEntity, v)
}

// takeFile stores a file whose size is only known once all of it was read.
func (p *Pages) takeFile(r *http.Request, who accounts.Actor, id, name string, from io.Reader) error {
	f, err := p.Uploads.Write(r.Context(), who, id, name, 0, -1, from)
	if err == nil {
		_, err = p.Uploads.Write(r.Context(), who, id, name, f.Have, f.Have, strings.NewReader(""))
	}
	return err
}

// uploadName returns a short description of the files of an upload.
func uploadName(ctx context.Context, u uploads.Upload) string {
	switch len(u.Files) {
	case 0:
		return locale.T(ctx, "overlays.uploads.name.none")
	case 1:
		return format.Short(path.Base(u.Files[0].Path))
	}
	files := locale.M("overlays.files.count", "count", len(u.Files))
	if first, _, deep := strings.Cut(u.Files[0].Path, "/"); deep {
		return locale.T(ctx, "overlays.uploads.name.folder", "folder", format.Short(first), "files", files)
	}
	return files.In(locale.From(ctx))
}

// dropUpload deletes an upload.
func (p *Pages) dropUpload(w http.ResponseWriter, r *http.Request, who accounts.Actor, at page.Upload) error {
	if err := p.Uploads.Delete(r.Context(), who, at.ID); err != nil {
		return err
	}
	return page.Done(w, r, page.OverlayPath(at.Overlay, "/upload"))
}
