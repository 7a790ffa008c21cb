package files

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/locale"
	"github.com/left4me/left4me/internal/web/filelist"
	"github.com/left4me/left4me/internal/web/format"
	"github.com/left4me/left4me/internal/web/overlays/overlay"
	"github.com/left4me/left4me/internal/web/page"
)

// editView is the content of the page that edits a text file.
type editView struct {
	Path    string
	Text    string
	Base    int // the revision that the text was read from, or left4me.NoRevision
	New     bool
	CRLF    bool          // the file has CRLF line ends, which saving keeps
	In      overlays.Text // encoding of the saved file
	UTF8    bool          // convert the file to UTF-8 when saving
	Note    string
	Problem string
	Theirs  *string           // text of the saved file if another user changed it in the meantime; "" if it was removed
	Found   []left4me.Warning // problems in the text that was saved
	Saved   int               // revision that the text was saved as, or 0
}

// saveWithin is how long saving waits for the build of the revision. After that, the browser
// is redirected to the page of the overlay, which shows the progress of the build.
const saveWithin = 20 * time.Second

// editFile answers with the editor, or redirects to the page of a file that is no text.
func (p *Pages) editFile(w http.ResponseWriter, r *http.Request, who accounts.Actor, name left4me.Name) error {
	v, err := p.editView(r, who, name)
	if errors.Is(err, errNoText) {
		o, err := p.Overlay.Page(r, who, name, "contents")
		if err != nil {
			return err
		}
		http.Redirect(w, r, page.OverlayPath(o.Name, "/file?path=", format.Escape(r.URL.Query().Get("path"))), http.StatusSeeOther)
		return nil
	}
	if err != nil {
		return err
	}
	return p.Panel.Show(w, r, http.StatusOK, v)
}

var errNoText = errors.New("no text")

// editView returns the page that edits a text file. It returns errNoText for a file that
// cannot be edited as text.
func (p *Pages) editView(r *http.Request, who accounts.Actor, name left4me.Name) (page.View, error) {
	o, err := p.Overlay.Page(r, who, name, "contents")
	if err != nil {
		return page.View{}, err
	}
	if o.Kind != left4me.FilesOverlay || !o.DeletedAt.IsZero() {
		return page.View{}, page.ErrNoPage
	}
	q := r.URL.Query()
	rev, err := overlay.WantedRevision(r)
	if err != nil {
		return page.View{}, err
	}
	v := editView{Path: strings.Trim(q.Get("path"), "/"), Base: cmp.Or(o.Content.Current, left4me.NoRevision)}
	if v.Path == "" {
		v.Path, v.New = "left4dead2/cfg/new.cfg", true
	}
	if o.Content.Current == 0 {
		v.New = true
		return p.editWith(r, who, o, v), nil
	}
	a, err := p.Overlay.File(r.Context(), o.Name, cmp.Or(rev, o.Content.Current), v.Path)
	switch {
	case errors.Is(err, left4me.NotFound):
		v.New = true
	case err != nil:
		return page.View{}, err
	default:
		t, ok, err := p.Overlays.TextOf(r.Context(), a.Data)
		if err != nil {
			return page.View{}, err
		}
		if !ok || a.Size > int64(len(a.Data)) || !filelist.OutsideVPK(v.Path) {
			return page.View{}, errNoText
		}
		v.Text, v.In, v.CRLF = t.Text, t, strings.Contains(t.Text, "\r\n")
	}
	if n, err := strconv.Atoi(q.Get("saved")); err == nil && n == o.Content.Current {
		v.Saved = n
		if v.Found, err = p.foundIn(r.Context(), o.Name, v.Path); err != nil {
			return page.View{}, err
		}
	}
	return p.editWith(r, who, o, v), nil
}

// editWith returns the page of the editor. It is not updated while it is open, because an
// update would replace what the user types.
func (p *Pages) editWith(r *http.Request, who accounts.Actor, o overlay.Page, v editView) page.View {
	f := p.Panel.Frame(r, who, locale.T(r.Context(), "overlays.edit.title", "file", path.Base(v.Path), "overlay", o.Name), "overlays")
	f.Scripts = []string{"editor.js"}
	return page.View{Frame: f, Body: []page.Piece{page.Fixed(editForm(f, o, v))}}
}

// foundIn returns the problems of a file in the current revision.
func (p *Pages) foundIn(ctx context.Context, name left4me.Name, file string) (found []left4me.Warning, err error) {
	c, err := p.Overlays.Revisions().Get(ctx, name, 0)
	rev, _ := overlay.RevisionOf(c, 0)
	for _, w := range rev.Warnings {
		if w.Path == file || strings.HasPrefix(w.Path, file+":") {
			found = append(found, w)
		}
	}
	return found, err
}

// saveFile builds a revision with the text. If another user changed the file since it was
// opened, nothing is saved and the page shows both versions.
func (p *Pages) saveFile(w http.ResponseWriter, r *http.Request, who accounts.Actor, name left4me.Name) error {
	if err := r.ParseForm(); err != nil {
		return page.BadForm(err)
	}
	o, err := p.Overlay.Page(r, who, name, "contents")
	if err != nil {
		return err
	}
	if o.Kind != left4me.FilesOverlay {
		return page.ErrNoPage
	}
	get := r.PostForm.Get
	v := editView{
		Path: strings.Trim(strings.TrimSpace(get("path")), "/"),
		Text: format.UnixLines(get("text")),
		Note: strings.TrimSpace(get("note")),
		New:  get("new") != "",
		CRLF: get("crlf") != "",
		UTF8: get("utf8") != "",
	}
	v.In = overlays.EncodingOf(get("encoding"), get("guess") != "")
	if v.Base, err = strconv.Atoi(get("base")); err != nil || v.Base == 0 {
		return page.ErrNoPage
	}
	job, err := p.save(r.Context(), who, o.Name, v)
	if err == nil {
		job, err = p.waitFor(r.Context(), job)
	}
	switch wrong, ok := page.ProblemsOf(r.Context(), who, err); {
	case errors.Is(err, left4me.Conflict) && p.changedMeanwhile(r, o.Name, v):
		return p.showConflict(w, r, who, name, v)
	case ok:
		v.Problem = wrong.All()
		if page.FromScript(r) {
			return err
		}
		return p.Panel.Show(w, r, http.StatusUnprocessableEntity, p.editWith(r, who, o, v))
	case err != nil:
		return err
	case !job.State.Ended():
		http.Redirect(w, r, page.OverlayPath(o.Name), http.StatusSeeOther)
		return nil
	}
	c, err := p.Overlays.Revisions().Get(r.Context(), o.Name, 0)
	if err != nil {
		return err
	}
	if page.FromScript(r) {
		found, err := p.foundIn(r.Context(), o.Name, v.Path)
		if err != nil {
			return err
		}
		texts := []string{}
		for _, f := range found {
			text, hint := format.Warning(r.Context(), f)
			texts = append(texts, strings.TrimSpace(format.Sentence(text)+" "+format.Sentence(hint)))
		}
		return page.AnswerJSON(w, http.StatusOK, map[string]any{"revision": c.Current, "found": texts})
	}
	http.Redirect(w, r, page.OverlayPath(o.Name, "/edit?path=", format.Escape(v.Path), "&saved=", strconv.Itoa(c.Current)),
		http.StatusSeeOther)
	return nil
}

// save uploads the text and starts a job that builds a revision with it.
func (p *Pages) save(ctx context.Context, who accounts.Actor, name left4me.Name, v editView) (left4me.Job, error) {
	text := v.Text
	if v.CRLF {
		text = strings.ReplaceAll(text, "\n", "\r\n")
	}
	encoding := v.In.Encoding
	if v.UTF8 {
		encoding = ""
	}
	data, err := overlays.Encoded(text, encoding)
	if err != nil {
		return left4me.Job{}, err
	}
	u, err := p.Uploads.Create(ctx, who, name)
	if err != nil {
		return left4me.Job{}, err
	}
	if _, err = p.Uploads.Write(ctx, who, u.ID, v.Path, 0, int64(len(data)), bytes.NewReader(data)); err == nil {
		var job left4me.Job
		job, err = p.Overlays.Build(ctx, who.Cause(), name, overlays.Request{
			Note:   cmp.Or(v.Note, locale.T(ctx, "overlays.edit.note.default", "file", format.Short(path.Base(v.Path)))),
			Change: &left4me.Change{Upload: u.ID, Import: left4me.Import{Exact: true}, Once: true, Base: v.Base},
		})
		if err == nil {
			return job, nil
		}
	}
	_ = p.Uploads.Delete(ctx, who, u.ID) // otherwise, it expires later
	return left4me.Job{}, err
}

// waitFor waits until a job has ended, at most saveWithin, and returns its latest state. If
// the job did not succeed, its error is returned. The job may still be running.
func (p *Pages) waitFor(ctx context.Context, job left4me.Job) (left4me.Job, error) {
	ctx, cancel := context.WithTimeout(ctx, saveWithin)
	defer cancel()
	changes, err := p.Jobs.Watch(ctx, job.ID)
	if err != nil {
		return job, err
	}
	for job = range changes {
		if job.State.Ended() {
			break
		}
	}
	if job.State.Ended() && job.State != left4me.JobDone {
		if job.Error != nil {
			return job, job.Error
		}
		return job, left4me.NewError(left4me.Unavailable, "job.ended_otherwise", "state", job.State)
	}
	return job, nil
}

// changedMeanwhile reports whether the file in the current revision differs from the one in
// the revision that the editor was opened with.
func (p *Pages) changedMeanwhile(r *http.Request, name left4me.Name, v editView) bool {
	now, errNow := p.Overlays.Revisions().File(r.Context(), name, 0, v.Path, "")
	was, errWas := overlays.FileAnswer{}, error(left4me.NotFound)
	if v.Base > 0 {
		was, errWas = p.Overlays.Revisions().File(r.Context(), name, v.Base, v.Path, "")
	}
	return errors.Is(errNow, left4me.NotFound) != errors.Is(errWas, left4me.NotFound) || now.Hash != was.Hash
}

// showConflict answers with the editor, the typed text and the saved text.
func (p *Pages) showConflict(w http.ResponseWriter, r *http.Request, who accounts.Actor, name left4me.Name, v editView) error {
	if page.FromScript(r) {
		return left4me.NewError(left4me.Conflict, "file.changed_by_another")
	}
	o, err := p.Overlay.Page(r, who, name, "contents")
	if err != nil {
		return err
	}
	var text string
	a, err := p.Overlay.File(r.Context(), o.Name, 0, v.Path)
	if err == nil {
		t, _, err := p.Overlays.TextOf(r.Context(), a.Data)
		if err != nil {
			return err
		}
		text = t.Text
	} else if !errors.Is(err, left4me.NotFound) {
		return err
	}
	v.Theirs, v.Base = &text, cmp.Or(o.Content.Current, left4me.NoRevision)
	return p.Panel.Show(w, r, http.StatusConflict, p.editWith(r, who, o, v))
}

// dirOf returns the directory of a path, or "" for the root.
func dirOf(p string) string {
	if d := path.Dir(p); d != "." {
		return d
	}
	return ""
}

// textareaText returns s for use in a textarea. Browsers drop a line end at the beginning of
// a textarea, so textareaText doubles it.
func textareaText(s string) string {
	if strings.HasPrefix(s, "\n") {
		return "\n" + s
	}
	return s
}
