package uploads

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"github.com/a-h/templ"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/control/uploads"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/locale"
	"github.com/left4me/left4me/internal/web/filelist"
	"github.com/left4me/left4me/internal/web/format"
	"github.com/left4me/left4me/internal/web/page"
)

// planForm is the form that adjusts and publishes an upload.
type planForm struct {
	Root, Subdir, Names string
	Texts               string
	Replace             bool
	Moves               []left4me.FolderMove // moves of this upload; those that the overlay remembers also apply
	Note                string
	Base                int // the revision that the user saw, or left4me.NoRevision
	Problem             string
}

// roots are the directories of a layer that all files can be put into. "" and "." are offered
// as well: they detect a destination for each file, or keep the paths of the upload.
var roots = []string{"left4dead2", "left4dead2/addons", "left4dead2/cfg", "left4dead2/addons/sourcemod"}

// rootLabel returns how a page shows the directory that an upload goes into.
func rootLabel(root string) string {
	if root == "" || root == "." {
		return "/"
	}
	return format.Visible(root) + "/"
}

// nameEncodings returns the choices for the encoding of file names in archives. The first
// choice has the given value and label.
func nameEncodings(ctx context.Context, value, first string) []overlays.NameEncoding {
	all := []overlays.NameEncoding{{Name: value, Label: first}}
	for _, e := range overlays.NameEncodings() {
		all = append(all, overlays.NameEncoding{Name: e.Name, Label: filelist.EncodingLabel(ctx, e.Name)})
	}
	return all
}

// query returns the form as the query of a preview's address, without the note.
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

// read returns the address of the preview with names read in an encoding.
func (f planForm) read(o left4me.Name, id, encoding string) templ.SafeURL {
	f.Names = encoding
	return f.at(o, id, "")
}

// at returns the address of the preview, or of an action on it.
func (f planForm) at(o left4me.Name, id, act string) templ.SafeURL {
	to := page.OverlayPath(o, "/uploads/", id, act)
	if q := f.query().Encode(); q != "" {
		to += "?" + q
	}
	return templ.SafeURL(to)
}

// change returns what publishing the upload changes.
func (f planForm) change(id string) left4me.Change {
	return left4me.Change{
		Upload:  id,
		Import:  left4me.Import{Subdir: f.Subdir, Root: f.Root, Moves: f.Moves, Names: f.Names, Texts: f.Texts},
		Replace: f.Replace,
		Base:    f.Base,
	}
}

// readPlanForm reads a submitted form or the query of an address, without checking it.
func readPlanForm(v url.Values) planForm {
	base, _ := strconv.Atoi(v.Get("base")) // without a valid base, planWith uses the current revision
	return planForm{
		Root: v.Get("root"), Subdir: strings.Trim(strings.TrimSpace(v.Get("subdir")), "/"), Names: v.Get("names"),
		Replace: v.Get("replace") != "",
		Texts:   v.Get("texts"),
		Note:    strings.TrimSpace(v.Get("note")), Base: base,
	}
}

// showPlan answers with the preview of an upload. It redirects to the page that sends the
// missing data if the upload is incomplete.
func (p *Pages) showPlan(w http.ResponseWriter, r *http.Request, who accounts.Actor, at page.Upload) error {
	v, err := p.planView(r, who, at)
	return p.answerPlan(w, r, at, http.StatusOK, v, err)
}

// answerPlan answers with a preview, or redirects to the upload page if err says that the
// upload cannot be previewed.
func (p *Pages) answerPlan(w http.ResponseWriter, r *http.Request, at page.Upload, status int, v page.View, err error) error {
	if errors.Is(err, left4me.Conflict) || errors.Is(err, left4me.Invalid) {
		http.Redirect(w, r, page.OverlayPath(at.Overlay, "/upload?id=", url.QueryEscape(at.ID)), http.StatusSeeOther)
		return nil
	}
	if err != nil {
		return err
	}
	return p.Panel.Show(w, r, status, v)
}

// planView returns the preview of an upload: what publishing it would change.
func (p *Pages) planView(r *http.Request, who accounts.Actor, at page.Upload) (page.View, error) {
	return p.planWith(r, who, at, readPlanForm(r.URL.Query()), "")
}

// planWith returns the preview with the submitted form. problem is the reason why the upload was not
// published, or empty.
func (p *Pages) planWith(r *http.Request, who accounts.Actor, at page.Upload, form planForm, problem string) (page.View, error) {
	o, err := p.Overlay.Page(r, who, at.Overlay, "contents")
	if err != nil {
		return page.View{}, err
	}
	u, err := p.Uploads.Ready(r.Context(), who, o.Name, at.ID)
	if err != nil {
		return page.View{}, err
	}
	form.Moves = u.Moves
	if form.Base == 0 {
		form.Base = cmp.Or(o.Content.Current, left4me.NoRevision)
	}
	plan := sync.OnceValues(func() (left4me.Plan, error) {
		plan, err := p.Overlays.Plan(r.Context(), o.Name, form.change(u.ID))
		if wrong, ok := page.ProblemsOf(r.Context(), who, err); ok {
			form.Problem, err = wrong.All(), nil
		}
		return plan, err
	})
	list := page.LazyPart("plan", func(context.Context) (templ.Component, error) {
		plan, err := plan()
		return planList(u, form, plan), err
	}, page.OnContent(), page.OnUploads(), page.OnEnds(left4me.BuildOverlay.Noun())).Later()
	shown := func(form planForm) templ.Component {
		return page.Deferred(func(context.Context) (templ.Component, error) {
			plan, err := plan()
			return planForms(o, u, form, plan), err
		})
	}
	now := readPlanForm(r.URL.Query())
	now.Moves = u.Moves
	now.Base = cmp.Or(o.Content.Current, left4me.NoRevision)
	forms := p.Panel.Form(r, "publish", shown(now), page.OnContent(), page.OnEnds(left4me.BuildOverlay.Noun())).As(shown(form))
	v := p.Overlay.View(r, who, o, page.Fixed(page.Refusal(problem)), page.Box("columns plan", list, page.Box("", forms)))
	v.At = page.OverlayPath(o.Name, "/uploads/", u.ID)
	return v, nil
}

// publishUpload starts a job that creates a revision from an upload.
func (p *Pages) publishUpload(w http.ResponseWriter, r *http.Request, who accounts.Actor, at page.Upload) error {
	if err := r.ParseForm(); err != nil {
		return page.BadForm(err)
	}
	form := readPlanForm(r.PostForm)
	u, err := p.Uploads.Ready(r.Context(), who, at.Overlay, at.ID)
	if err != nil {
		return err
	}
	form.Moves = u.Moves
	change := form.change(u.ID)
	_, err = p.Overlays.Build(r.Context(), who.Cause(), at.Overlay,
		overlays.Request{Note: cmp.Or(form.Note, defaultNote(r.Context(), u)), Change: &change})
	if wrong, ok := page.ProblemsOf(r.Context(), who, err); ok {
		v, err := p.planWith(r, who, at, form, wrong.All())
		return p.answerPlan(w, r, at, http.StatusUnprocessableEntity, v, err)
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, page.OverlayPath(at.Overlay), http.StatusSeeOther)
	return nil
}

// defaultNote returns the note of a revision that is published without a note.
func defaultNote(ctx context.Context, u uploads.Upload) string {
	return locale.T(ctx, "overlays.plan.note.default", "name", uploadName(ctx, u))
}

// problemsOf returns the problems of a file in a plan.
func problemsOf(plan left4me.Plan, file string) (all []left4me.Warning) {
	for _, w := range plan.Warnings {
		if w.Path == file {
			all = append(all, w)
		}
	}
	return all
}

// conversions returns the texts that will be saved as UTF-8, one to a line.
func conversions(ctx context.Context, plan left4me.Plan) string {
	if len(plan.Conversions) == 0 {
		return format.JoinVisible(plan.Repairs) // from an older host
	}
	var lines []string
	for _, c := range plan.Conversions {
		lines = append(lines, locale.T(ctx, "overlays.plan.conversion", "path", c.Path, "reason", c.Reason))
	}
	if more := len(plan.Repairs) - len(plan.Conversions); more > 0 { // the last line contains the number of further problems
		lines = append(lines, plan.Repairs[len(plan.Conversions):]...)
	}
	return format.JoinVisible(lines)
}
