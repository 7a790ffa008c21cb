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
	"github.com/left4me/left4me/internal/web/filelist"
	"github.com/left4me/left4me/internal/web/format"
	"github.com/left4me/left4me/internal/web/overlays/overlay"
	"github.com/left4me/left4me/internal/web/page"
)

// editView is a text file as it is edited.
type editView struct {
	Path    string
	Text    string
	Base    int // the revision that was looked at, or left4me.NoRevision
	New     bool
	CRLF    bool          // the file ends its lines so, and keeps doing it
	In      overlays.Text // how the file is encoded; its text is Text
	UTF8    bool          // save it as UTF-8
	Note    string
	Problem string
	Theirs  *string           // what the file holds now, when somebody else changed it meanwhile; "" when it is gone
	Found   []left4me.Warning // in the text that was saved
	Saved   int               // the revision that it was saved as
}

// saveWithin is how long the page of a file waits for its revision. A longer build
// is watched on the page of the overlay.
const saveWithin = 20 * time.Second

// editFile shows the editor. A file that is no text is shown as what it is.
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

// editView is a text file in the editor.
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

// editWith is the page of the editor. Nothing takes the place of what is being typed.
func (p *Pages) editWith(r *http.Request, who accounts.Actor, o overlay.Page, v editView) page.View {
	f := p.Panel.Frame(r, who, path.Base(v.Path)+" · "+string(o.Name), "overlays")
	f.Scripts = []string{"editor.js"}
	return page.View{Frame: f, Body: []page.Piece{page.Fixed(editForm(f, o, v))}}
}

// foundIn are the problems of one file in the current revision.
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

// saveFile makes a revision with the text. When somebody else changed the same
// file since it was opened, both texts are shown and nothing is saved.
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
			texts = append(texts, format.Sentence(format.Visible(f.Text)))
		}
		return page.AnswerJSON(w, http.StatusOK, map[string]any{"revision": c.Current, "found": texts})
	}
	http.Redirect(w, r, page.OverlayPath(o.Name, "/edit?path=", format.Escape(v.Path), "&saved=", strconv.Itoa(c.Current)),
		http.StatusSeeOther)
	return nil
}

// save uploads the text and asks for a revision with it.
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
			Note:   cmp.Or(v.Note, "edited "+format.Short(path.Base(v.Path))),
			Change: &left4me.Change{Upload: u.ID, Import: left4me.Import{Exact: true}, Once: true, Base: v.Base},
		})
		if err == nil {
			return job, nil
		}
	}
	_ = p.Uploads.Delete(ctx, who, u.ID) // else it goes by itself, later
	return left4me.Job{}, err
}

// waitFor waits until a job has ended or takes too long. What it failed with is
// the error.
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

// changedMeanwhile reports whether the file is another one now than it was in the
// revision that was looked at.
func (p *Pages) changedMeanwhile(r *http.Request, name left4me.Name, v editView) bool {
	now, errNow := p.Overlays.Revisions().File(r.Context(), name, 0, v.Path, "")
	was, errWas := overlays.FileAnswer{}, error(left4me.NotFound)
	if v.Base > 0 {
		was, errWas = p.Overlays.Revisions().File(r.Context(), name, v.Base, v.Path, "")
	}
	return errors.Is(errNow, left4me.NotFound) != errors.Is(errWas, left4me.NotFound) || now.Hash != was.Hash
}

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

// dirOf is the directory of a path; empty for the root.
func dirOf(p string) string {
	if d := path.Dir(p); d != "." {
		return d
	}
	return ""
}

// encodingEnd ends a sentence about an encoding.
func encodingEnd(guess bool) string {
	if guess {
		return ", which is a guess."
	}
	return "."
}

// textareaText is text for a textarea, of which browsers drop the first line's end
// when there is nothing before it.
func textareaText(s string) string {
	if strings.HasPrefix(s, "\n") {
		return "\n" + s
	}
	return s
}
