package create

import (
	"cmp"
	"context"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/uploads"
	"github.com/left4me/left4me/internal/httpserver"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/locale"
	"github.com/left4me/left4me/internal/web/campaigns"
	"github.com/left4me/left4me/internal/web/format"
	"github.com/left4me/left4me/internal/web/jobs"
	"github.com/left4me/left4me/internal/web/page"
)

const (
	// publishedWithin is how long an answer waits for an overlay to be published. Small overlays are
	// published within a second; a page that shows a larger one requests the state again.
	publishedWithin = 20 * time.Second
	// maxTyped limits the form values that a request with files contains.
	maxTyped = 1 << 20
)

// content is the state of an overlay that was added while the form was filled in.
type content struct {
	Name       left4me.Name
	Campaign   string // title of the first campaign; may be empty
	Chapters   int    // number of chapters of that campaign
	Files      int
	Warned     int    // number of problems found in the files
	Publishing bool   // the job has not ended yet
	Problem    string // reason why the overlay was not published
	Review     string // address where the user must choose the places of files first; may be empty
}

// fillContent reads the state of the added overlays. It proposes a name and a first map for the
// server from them.
func (p *Pages) fillContent(ctx context.Context, who accounts.Actor, form *serverForm) {
	for _, n := range form.Made {
		v, err := p.Overlays.Get(ctx, n)
		if err != nil || !v.DeletedAt.IsZero() {
			continue
		}
		c := content{Name: n, Publishing: v.Job != nil}
		if v.Failed != nil && v.Job == nil {
			if e := jobs.For(who, *v.Failed).Error; e != nil {
				c.Problem = format.Sentence(format.ErrorLine(ctx, e))
			}
		}
		if i := slices.IndexFunc(v.Content.Revisions, func(r left4me.Revision) bool { return r.Number == v.Content.Current }); i >= 0 {
			c.Files, c.Warned = v.Content.Revisions[i].Files, v.Content.Revisions[i].Warned
			p.fillCampaign(ctx, form, &c)
		} else if !c.Publishing && c.Problem == "" {
			c.Review = p.review(ctx, who, n)
		}
		form.Content = append(form.Content, c)
	}
	if form.Name == "" && len(form.Made) > 0 && form.Problems == nil {
		if n, err := p.proposal(ctx, *form); err == nil {
			form.Name = string(n)
		}
	}
}

// fillCampaign describes the first campaign of an overlay, and proposes its first map.
func (p *Pages) fillCampaign(ctx context.Context, form *serverForm, c *content) {
	all, err := p.Servers.CampaignsOf(ctx, []left4me.OverlayRef{{Name: c.Name}})
	i := slices.IndexFunc(all, func(v left4me.Campaign) bool { return v.Overlay == c.Name })
	if err != nil || i < 0 {
		return
	}
	chapters := campaigns.ChaptersOf(all[i])
	c.Campaign, c.Chapters = format.Visible(all[i].Title), len(chapters)
	if len(chapters) > 0 && form.Values["map"] == "" {
		if form.Values == nil {
			form.Values = map[string]string{}
		}
		form.Values["map"] = chapters[0].Map
	}
}

// titleOf returns the title of an overlay's first campaign, or else its note or name.
func (p *Pages) titleOf(ctx context.Context, n left4me.Name) string {
	all, err := p.Servers.CampaignsOf(ctx, []left4me.OverlayRef{{Name: n}})
	if i := slices.IndexFunc(all, func(v left4me.Campaign) bool { return v.Overlay == n }); err == nil && i >= 0 {
		return all[i].Title
	}
	if v, err := p.Overlays.Get(ctx, n); err == nil && v.Note != "" {
		return v.Note
	}
	return string(n)
}

// review returns the address of the review of an upload to an overlay without revisions, or "".
func (p *Pages) review(ctx context.Context, who accounts.Actor, n left4me.Name) string {
	open, err := p.Content.Uploads.List(ctx, who)
	i := slices.IndexFunc(open, func(u uploads.Upload) bool { return u.Overlay == n && u.Complete() && len(u.Files) > 0 })
	if err != nil || i < 0 {
		return ""
	}
	return page.OverlayPath(n, "/uploads/", open[i].ID)
}

// unpublished returns an error if content that was added is still being published: a server that
// starts now would not have it.
func (p *Pages) unpublished(ctx context.Context, form serverForm) error {
	p.await(ctx, form.Made)
	for _, n := range form.Made {
		if v, err := p.Overlays.Get(ctx, n); err == nil && v.Job != nil && slices.Contains(form.Stack, string(n)) && form.Start {
			return left4me.NewError(left4me.Conflict, "overlay.still_publishing", "overlay", n).InField("overlays")
		}
	}
	return nil
}

// await waits for the jobs that publish overlays, but not longer than an answer may take.
func (p *Pages) await(ctx context.Context, made []left4me.Name) {
	ctx, cancel := context.WithTimeout(ctx, publishedWithin)
	defer cancel()
	for _, n := range made {
		if v, err := p.Overlays.Get(ctx, n); err == nil && v.Job != nil {
			_, _ = p.Content.Wait(ctx, v.Job.ID) // the form shows the state
		}
	}
}

// beginUpload creates an upload for upload.js and answers with its id and the address for its pieces
// as JSON.
func (p *Pages) beginUpload(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	u, err := p.begin(r, who, r.URL.Query().Get("file"))
	if err != nil {
		return err
	}
	return page.AnswerJSON(w, http.StatusCreated,
		map[string]any{"id": u.ID, "files": []any{}, "base": page.OverlayPath(u.Overlay, "/uploads")})
}

func (p *Pages) begin(r *http.Request, who accounts.Actor, file string) (uploads.Upload, error) {
	u, err := p.Content.Begin(r.Context(), who, file)
	if err == nil {
		err = p.Overlays.FirstUpload(r.Context(), r.Header.Get("Accept-Language"))
	}
	return u, err
}

// addContent creates an overlay from uploaded files, publishes it, and shows the form again with the
// overlay on top of the stack. The files are those of an upload by upload.js, or those of the form.
func (p *Pages) addContent(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	if err := accounts.Allow(who, accounts.Manage, anyServer); err != nil {
		return err
	}
	values, id, err := p.received(w, r, who)
	form := readServerForm(values, who)
	if err == nil && id == "" {
		form.Problem = locale.T(r.Context(), "servers.new.content.no_file")
	} else if err == nil {
		err = p.publish(r, who, &form, id)
	}
	if wrong, ok := page.ProblemsOf(r.Context(), who, err); ok {
		form.Problem = wrong.All()
		if id != "" {
			_ = p.Content.Uploads.Delete(r.Context(), who, id) // otherwise, it expires later
		}
	} else if err != nil {
		return err
	}
	status := http.StatusOK
	if form.Problem != "" {
		status = http.StatusUnprocessableEntity
	}
	return p.retype(w, r, who, status, form)
}

func (p *Pages) publish(r *http.Request, who accounts.Actor, form *serverForm, id string) error {
	made, err := p.Content.Publish(r.Context(), who, id, locale.T(r.Context(), "servers.new.content.note"))
	if err != nil {
		return err
	}
	form.Made = append(form.Made, made.Name)
	form.Stack = slices.Insert(form.Stack, 0, string(made.Name))
	p.await(r.Context(), form.Made)
	return nil
}

// received returns the form values of a request, and the upload with its files: the one that the
// value upload names, or a new one with the files of the form. It is empty if there are none.
func (p *Pages) received(w http.ResponseWriter, r *http.Request, who accounts.Actor) (url.Values, string, error) {
	kind, more, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/form-data" {
		if err := r.ParseForm(); err != nil {
			return nil, "", page.BadForm(err)
		}
		return r.PostForm, r.PostForm.Get("upload"), nil
	}
	values, id, typed := url.Values{}, "", 0
	parts := multipart.NewReader(httpserver.SlowBody(w, r.Body), more["boundary"])
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return values, id, nil
		}
		if err != nil {
			return values, id, httpserver.CutOff(errors.Join(httpserver.ErrBody, err))
		}
		if part.FileName() == "" {
			text, err := io.ReadAll(io.LimitReader(part, maxTyped))
			if typed += len(text); err != nil || typed >= maxTyped {
				return values, id, page.BadForm(cmp.Or(err, errTyped))
			}
			values.Add(part.FormName(), string(text))
			continue
		}
		name := path.Base(strings.ReplaceAll(part.FileName(), `\`, "/"))
		if id == "" {
			u, err := p.begin(r, who, name)
			if err != nil {
				return values, id, err
			}
			id = u.ID
		}
		f, err := p.Content.Uploads.Write(r.Context(), who, id, name, 0, -1, part)
		if err == nil { // all of it was read: its size is known
			_, err = p.Content.Uploads.Write(r.Context(), who, id, name, f.Have, f.Have, strings.NewReader(""))
		}
		if err != nil {
			return values, id, httpserver.CutOff(err)
		}
	}
}

var errTyped = errors.New("the form is too long")
