package web

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/a-h/templ"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/control/uploads"
	"github.com/left4me/left4me/internal/left4me"
)

// uploadView is the page on which files are sent.
type uploadView struct {
	Upload  *uploads.Upload // one that was begun, or nil
	Open    []uploads.Upload
	Problem string
}

// uploadView is where files are chosen. With ?id= it goes on with an upload.
func (p *panel) uploadView(r *http.Request, who accounts.Actor) (view, error) {
	return p.uploadWith(r, who, "")
}

func (p *panel) uploadWith(r *http.Request, who accounts.Actor, problem string) (view, error) {
	o, err := p.overlayPage(r, who, "contents")
	if err != nil {
		return view{}, err
	}
	if o.Kind != left4me.FilesOverlay {
		return view{}, errNoPage
	}
	v := uploadView{Problem: problem}
	open, err := p.Uploads.List(r.Context(), who)
	if err != nil {
		return view{}, err
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
	begun := showing("open-uploads", openUploads(o, v.Open), onUploads(), onEnds(left4me.BuildOverlay.Noun()))
	page := p.overlayView(r, who, o, columns(fixed(uploadCard(o, v)), pieces(begun, fixed(writeInstead(o)))))
	page.Scripts = []string{"upload.js"}
	return page, nil
}

// have and size are the bytes of an upload that have come and that it will have,
// as far as its files were begun.
func have(u uploads.Upload) (n int64) {
	for _, f := range u.Files {
		n += f.Have
	}
	return n
}

func sizeOfUpload(u uploads.Upload) (n int64) {
	for _, f := range u.Files {
		n += max(f.Size, f.Have)
	}
	return n
}

// beginUpload is asked by a script, which gets the number of the upload.
func (p *panel) beginUpload(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	name, err := pathName(r)
	if err != nil {
		return err
	}
	u, err := p.Uploads.Create(r.Context(), who, name)
	if err == nil {
		err = p.Content.FirstUpload(r.Context(), r.Header.Get("Accept-Language"))
	}
	if err != nil {
		return err
	}
	return answer(w, http.StatusCreated, map[string]any{"id": u.ID, "files": []any{}})
}

// uploadedFile is how much of a file has come.
type uploadedFile struct {
	Path string `json:"path"`
	Size int64  `json:"size"`
	Have int64  `json:"have"`
}

// uploadState says how much has come.
func (p *panel) uploadState(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	u, err := p.Uploads.Get(r.Context(), who, r.PathValue("id"))
	if err != nil {
		return err
	}
	files := make([]uploadedFile, len(u.Files))
	for i, f := range u.Files {
		files[i] = uploadedFile(f)
	}
	return answer(w, http.StatusOK, map[string]any{"id": u.ID, "files": files})
}

// uploadPiece takes a piece of a file. A script that sends at the wrong place
// learns where to go on.
func (p *panel) uploadPiece(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	q := r.URL.Query()
	offset, err1 := strconv.ParseInt(q.Get("offset"), 10, 64)
	size, err2 := strconv.ParseInt(q.Get("size"), 10, 64)
	if err1 != nil || err2 != nil {
		return left4me.Errorf(left4me.Invalid, "offset and size are numbers")
	}
	body := slowly(w, r.Body)
	f, err := p.Uploads.Write(r.Context(), who, r.PathValue("id"), q.Get("path"), offset, size, body)
	if err != nil {
		uploads.Drain(body)
	}
	if errors.Is(err, left4me.Conflict) {
		e, _ := left4me.Public(err)
		return answer(w, http.StatusConflict, map[string]any{"text": e.Text, "hint": e.Hint, "have": f.Have})
	}
	if err != nil {
		return cutOff(err)
	}
	return answer(w, http.StatusOK, uploadedFile(f))
}

// answer is what a script gets.
func answer(w http.ResponseWriter, status int, v any) error {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // who has gone needs no answer
	return nil
}

const (
	// pieceBytes must come within pieceWithin: whoever sends less slowly holds no
	// connection for ever.
	pieceBytes  = 64 << 10
	pieceWithin = 30 * time.Second
)

// errBody is a body that didn't come to its end.
var errBody = errors.New("body")

// cutOff says it in words.
func cutOff(err error) error {
	if _, ok := left4me.Public(err); !ok && (errors.Is(err, errBody) || errors.Is(err, io.ErrUnexpectedEOF)) {
		return &left4me.Error{Kind: left4me.Unavailable, Text: "the file did not come to its end", Hint: "go on where it was cut", Err: err}
	}
	return err
}

// slow reads a body that may be long, as long as it keeps coming.
type slow struct {
	body io.Reader
	c    *http.ResponseController
	left int // bytes until the time begins anew
}

func slowly(w http.ResponseWriter, body io.Reader) io.Reader {
	return &slow{body: body, c: http.NewResponseController(w)}
}

func (s *slow) Read(b []byte) (int, error) {
	if s.left <= 0 {
		_ = s.c.SetReadDeadline(time.Now().Add(pieceWithin)) // a connection has deadlines
		s.left = pieceBytes
	}
	n, err := s.body.Read(b)
	s.left -= n
	if err != nil && !errors.Is(err, io.EOF) {
		err = errors.Join(errBody, err)
	}
	return n, err
}

// uploadForm takes files from a browser without scripts: they go to the disk as
// they come.
func (p *panel) uploadForm(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	name, err := pathName(r)
	if err != nil {
		return err
	}
	kind, more, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/form-data" {
		return left4me.Errorf(left4me.Invalid, "that is no form with files").WithHint("use the form of this page")
	}
	parts := multipart.NewReader(slowly(w, r.Body), more["boundary"])
	var u uploads.Upload
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return cutOff(errors.Join(errBody, err))
		}
		if part.FormName() != "file" || part.FileName() == "" {
			continue
		}
		if u.ID == "" {
			if u, err = p.Uploads.Create(r.Context(), who, name); err != nil {
				return err
			}
			if err := p.Content.FirstUpload(r.Context(), r.Header.Get("Accept-Language")); err != nil {
				return err
			}
		}
		if err := p.takeFile(r, who, u.ID, path.Base(strings.ReplaceAll(part.FileName(), `\`, "/")), part); err != nil {
			_ = p.Uploads.Delete(r.Context(), who, u.ID) // else it goes by itself, later
			if wrong, ok := problemsOf(cutOff(err)); ok {
				return p.wrongUpload(w, r, who, wrong.all())
			}
			return cutOff(err)
		}
	}
	if u.ID == "" {
		return p.wrongUpload(w, r, who, "Choose a file first.")
	}
	http.Redirect(w, r, overlayPath(name, "/uploads/", u.ID), http.StatusSeeOther)
	return nil
}

func (p *panel) wrongUpload(w http.ResponseWriter, r *http.Request, who accounts.Actor, problem string) error {
	v, err := p.uploadWith(r, who, problem)
	if err != nil {
		return err
	}
	return p.show(w, r, http.StatusUnprocessableEntity, v)
}

// takeFile writes a file whose size is known at its end.
func (p *panel) takeFile(r *http.Request, who accounts.Actor, id, name string, from io.Reader) error {
	f, err := p.Uploads.Write(r.Context(), who, id, name, 0, -1, from)
	if err == nil {
		_, err = p.Uploads.Write(r.Context(), who, id, name, f.Have, f.Have, strings.NewReader(""))
	}
	return err
}

// planForm is how an upload shall be understood, as it was chosen.
type planForm struct {
	Root, Subdir, Names string
	Texts               string
	Replace             bool
	Moves               []left4me.FolderMove // of the upload; those that the overlay remembers count, too
	Note                string
	Base                int // the revision that was looked at
	Problem             string
}

// roots are the places in a layer where files can go.
var roots = []struct{ Value, Label string }{
	{"", "find it out"},
	{".", "as they are"},
	{"left4dead2", "left4dead2/"},
	{"left4dead2/addons", "left4dead2/addons/"},
	{"left4dead2/cfg", "left4dead2/cfg/"},
	{"left4dead2/addons/sourcemod", "left4dead2/addons/sourcemod/"},
}

// nameEncodings are what file names in archives can be written in; first says what
// the first choice is.
func nameEncodings(value, first string) (all []overlays.NameEncoding) {
	return append([]overlays.NameEncoding{{Name: value, Label: first}}, overlays.NameEncodings()...)
}

// labelOf is what people call an encoding.
func labelOf(encoding string) string {
	for _, e := range overlays.NameEncodings() {
		if e.Name == encoding {
			return e.Label
		}
	}
	return encoding
}

// query is the form as the address of a plan has it, without its note.
func (f planForm) query() url.Values {
	v := url.Values{}
	for key, value := range map[string]string{"root": f.Root, "subdir": f.Subdir, "names": f.Names, "texts": f.Texts} {
		if value != "" {
			v.Set(key, value)
		}
	}
	if f.Replace {
		v.Set("replace", "yes")
	}
	return v
}

// read is the address of the plan with names in an encoding.
func (f planForm) read(o left4me.Name, id, encoding string) templ.SafeURL {
	f.Names = encoding
	return f.at(o, id, "")
}

// at is the address of the plan, or of something that is done to it.
func (f planForm) at(o left4me.Name, id, act string) templ.SafeURL {
	to := overlayPath(o, "/uploads/", id, act)
	if q := f.query().Encode(); q != "" {
		to += "?" + q
	}
	return templ.SafeURL(to)
}

func (f planForm) change(id string) left4me.Change {
	return left4me.Change{
		Upload:  id,
		Import:  left4me.Import{Subdir: f.Subdir, Root: f.Root, Moves: f.Moves, Names: f.Names, Texts: f.Texts},
		Replace: f.Replace,
		Base:    f.Base,
	}
}

func readPlanForm(v url.Values) planForm {
	base, _ := strconv.Atoi(v.Get("base")) // nothing is any
	return planForm{
		Root: v.Get("root"), Subdir: strings.Trim(strings.TrimSpace(v.Get("subdir")), "/"), Names: v.Get("names"),
		Replace: v.Get("replace") != "",
		Texts:   v.Get("texts"),
		Note:    strings.TrimSpace(v.Get("note")), Base: base,
	}
}

// showPlan says what an upload would do, before it does. What has not come yet is
// sent first.
func (p *panel) showPlan(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	v, err := p.planView(r, who)
	return p.answerPlan(w, r, who, http.StatusOK, v, err)
}

func (p *panel) answerPlan(w http.ResponseWriter, r *http.Request, who accounts.Actor, status int, v view, err error) error {
	if errors.Is(err, left4me.Conflict) || errors.Is(err, left4me.Invalid) {
		name, err := pathName(r)
		if err != nil {
			return err
		}
		http.Redirect(w, r, overlayPath(name, "/upload?id=", url.QueryEscape(r.PathValue("id"))), http.StatusSeeOther)
		return nil
	}
	if err != nil {
		return err
	}
	return p.show(w, r, status, v)
}

// planView is what an upload would do.
func (p *panel) planView(r *http.Request, who accounts.Actor) (view, error) {
	return p.planWith(r, who, readPlanForm(r.URL.Query()), "")
}

// planWith is the plan with a form as it was sent, and why nothing was published.
func (p *panel) planWith(r *http.Request, who accounts.Actor, form planForm, problem string) (view, error) {
	o, err := p.overlayPage(r, who, "contents")
	if err != nil {
		return view{}, err
	}
	u, err := p.Uploads.Ready(r.Context(), who, o.Name, r.PathValue("id"))
	if err != nil {
		return view{}, err
	}
	form.Moves = u.Moves
	if form.Base == 0 {
		form.Base = cmp.Or(o.Content.Current, left4me.NoRevision)
	}
	plan := sync.OnceValues(func() (left4me.Plan, error) {
		plan, err := p.Content.Plan(r.Context(), o.Name, form.change(u.ID))
		if wrong, ok := problemsOf(err); ok {
			form.Problem, err = wrong.all(), nil
		}
		return plan, err
	})
	list := lazy("plan", func(context.Context) (templ.Component, error) {
		plan, err := plan()
		return planList(u, form, plan), err
	}, onContent(), onUploads(), onEnds(left4me.BuildOverlay.Noun())).later()
	shown := func(form planForm) templ.Component {
		return deferred(func(context.Context) (templ.Component, error) {
			plan, err := plan()
			return planForms(o, u, form, plan), err
		})
	}
	now := readPlanForm(r.URL.Query())
	now.Moves = u.Moves
	now.Base = cmp.Or(o.Content.Current, left4me.NoRevision)
	forms := p.form(r, "publish", shown(now), onContent(), onEnds(left4me.BuildOverlay.Noun())).as(shown(form))
	v := p.overlayView(r, who, o, fixed(refusal(problem)), box("columns plan", list, box("", forms)))
	v.at = overlayPath(o.Name, "/uploads/", u.ID)
	return v, nil
}

// publishUpload makes a revision of an upload.
func (p *panel) publishUpload(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	if err := r.ParseForm(); err != nil {
		return badForm(err)
	}
	name, err := pathName(r)
	if err != nil {
		return err
	}
	form := readPlanForm(r.PostForm)
	u, err := p.Uploads.Ready(r.Context(), who, name, r.PathValue("id"))
	if err != nil {
		return err
	}
	form.Moves = u.Moves
	change := form.change(u.ID)
	_, err = p.Content.Build(r.Context(), who.Name, name,
		overlays.Request{Note: cmp.Or(form.Note, "uploaded "+uploadName(u)), Change: &change})
	if wrong, ok := problemsOf(err); ok {
		v, err := p.planWith(r, who, form, wrong.all())
		return p.answerPlan(w, r, who, http.StatusUnprocessableEntity, v, err)
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, overlayPath(name), http.StatusSeeOther)
	return nil
}

// uploadName says in a few words what was uploaded.
func uploadName(u uploads.Upload) string {
	switch len(u.Files) {
	case 0:
		return "No file yet"
	case 1:
		return short(path.Base(u.Files[0].Path))
	}
	first, _, deep := strings.Cut(u.Files[0].Path, "/")
	if deep {
		return short(first) + "/ with " + count(len(u.Files), "file", "files")
	}
	return count(len(u.Files), "file", "files")
}

func (p *panel) dropUpload(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	name, err := pathName(r)
	if err != nil {
		return err
	}
	if err := p.Uploads.Delete(r.Context(), who, r.PathValue("id")); err != nil {
		return err
	}
	return done(w, r, overlayPath(name, "/upload"))
}
