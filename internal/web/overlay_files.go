package web

import (
	"bytes"
	"cmp"
	"context"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/left4me"
)

// filesView is a directory of a revision, or what was found in all of it.
type filesView struct {
	Revision int // that is looked at
	Current  bool
	Dir      string
	Query    string
	Page     left4me.Page[left4me.TreeFile]
	Problem  string
	base     string // address of the list, without its query
}

// listedFiles is how many files a page shows.
const listedFiles = 200

// contentsView is the files of an overlay.
func (p *panel) contentsView(r *http.Request, who accounts.Actor) (view, error) {
	o, err := p.overlayPage(r, who, "contents")
	if err != nil {
		return view{}, err
	}
	rev, err := wantedRevision(r)
	if err != nil {
		return view{}, err
	}
	files := lazy("overlay-files", func(ctx context.Context) (templ.Component, error) {
		q := r.URL.Query()
		var v filesView
		err := p.read(ctx, &o, func(o overlayPage) (err error) {
			v = filesView{
				Revision: cmp.Or(rev, o.Content.Current),
				Dir:      strings.Trim(q.Get("dir"), "/"),
				Query:    strings.TrimSpace(q.Get("q")),
				base:     overlayPath(o.Name),
			}
			v.Current = v.Revision == o.Content.Current
			if v.Revision > 0 && !o.aside() {
				v.Page, err = p.Content.Revisions().Tree(ctx, o.Name, v.Revision,
					left4me.Filter{Dir: v.Dir, Query: v.Query, After: q.Get("after"), Limit: listedFiles})
			}
			if e, ok := left4me.Public(err); ok && e.Kind == left4me.Unavailable {
				v.Problem, err = e.Error(), nil
			}
			return err
		})
		return overlayFiles(o, v), err
	}, onContent(), onEnds(left4me.BuildOverlay.Noun()))
	return p.overlayView(r, who, o, files), nil
}

// at is the address of another part of the same list.
func (v filesView) at(dir, after string) templ.SafeURL {
	q := url.Values{}
	if dir != "" {
		q.Set("dir", dir)
	}
	if !v.Current {
		q.Set("rev", strconv.Itoa(v.Revision))
	}
	if after != "" {
		q.Set("after", after)
		if v.Query != "" {
			q.Set("q", v.Query)
		}
	}
	if len(q) == 0 {
		return templ.SafeURL(v.base)
	}
	return templ.SafeURL(v.base + "?" + q.Encode())
}

// of is the address of something about one file.
func (v filesView) of(what, file string) templ.SafeURL {
	q := url.Values{"path": {file}}
	if !v.Current {
		q.Set("rev", strconv.Itoa(v.Revision))
	}
	return templ.SafeURL(v.base + "/" + what + "?" + q.Encode())
}

// crumb is one part of a path.
type crumb struct{ Name, Path string }

// crumbsOf are the directories on the way to a path.
func crumbsOf(p string) (all []crumb) {
	if p == "" || p == "." {
		return nil
	}
	for i, part := range strings.Split(p, "/") {
		to := part
		if i > 0 {
			to = all[i-1].Path + "/" + part
		}
		all = append(all, crumb{part, to})
	}
	return all
}

// opens reports whether a file is a directory to people: a VPK is one.
func opens(f left4me.TreeFile) bool { return f.Dir || isVPK(f.Path) }

func isVPK(p string) bool { return strings.EqualFold(path.Ext(p), ".vpk") }

// inside splits the path of a file in a VPK: the VPK, and the path in it.
func inside(p string) (file, in string) {
	for i := 0; i < len(p); i++ {
		if p[i] == '/' && isVPK(p[:i]) {
			return p[:i], p[i+1:]
		}
	}
	return p, ""
}

// pictures are the endings of files that browsers show, with what they are.
var pictures = map[string]string{".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".gif": "image/gif"}

func pictureOf(p string) string { return pictures[strings.ToLower(path.Ext(p))] }

// fileView is one file of a revision.
type fileView struct {
	filesView
	Path    string
	Answer  overlays.FileAnswer
	Text    overlays.Text
	IsText  bool
	Picture bool
}

// file asks for the file that an address names.
func (p *panel) file(ctx context.Context, name left4me.Name, rev int, file string) (overlays.FileAnswer, error) {
	of, in := inside(file)
	if of == "" {
		return overlays.FileAnswer{}, errNoPage
	}
	return p.Content.Revisions().File(ctx, name, rev, of, in)
}

// overlayFileView is one file of an overlay.
func (p *panel) overlayFileView(r *http.Request, who accounts.Actor) (view, error) {
	o, err := p.overlayPage(r, who, "contents")
	if err != nil {
		return view{}, err
	}
	rev, err := wantedRevision(r)
	if err != nil {
		return view{}, err
	}
	text := lazy("overlay-file", func(ctx context.Context) (templ.Component, error) {
		v := fileView{
			Path:      r.URL.Query().Get("path"),
			filesView: filesView{Revision: cmp.Or(rev, o.Content.Current), base: overlayPath(o.Name)},
		}
		v.Current = v.Revision == o.Content.Current
		var err error
		if v.Answer, err = p.file(ctx, o.Name, v.Revision, v.Path); err != nil {
			return nil, err
		}
		v.Picture = pictureOf(v.Path) != "" && len(v.Answer.Data) > 0
		if v.Text, v.IsText, err = p.Content.TextOf(ctx, v.Answer.Data); err != nil {
			return nil, err
		}
		v.IsText = v.IsText && !v.Picture && (v.Answer.Size == 0 || len(v.Answer.Data) > 0)
		return overlayFile(o, v), nil
	}, onContent(), onEnds(left4me.BuildOverlay.Noun()))
	return p.overlayView(r, who, o, text), nil
}

// showPicture sends a picture of a revision. It is nothing but a picture to a
// browser, whatever is in it.
func (p *panel) showPicture(w http.ResponseWriter, r *http.Request, _ accounts.Actor) error {
	name, err := pathName(r)
	if err != nil {
		return err
	}
	rev, err := wantedRevision(r)
	if err != nil {
		return err
	}
	file := r.FormValue("path")
	kind := pictureOf(file)
	if kind == "" {
		return errNoPage
	}
	a, err := p.file(r.Context(), name, rev, file)
	if err != nil {
		return err
	}
	if http.DetectContentType(a.Data) != kind {
		return errNoPage
	}
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("Cache-Control", "private, no-cache") // asked for each time: not after signing out
	h.Set("ETag", strconv.Quote(digest(a.Data)))
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(a.Data))
	return nil
}

// fileName is a file as a list shows it: its name in its directory, or its path
// where a search found it.
func fileName(v filesView, t left4me.TreeFile) string {
	if v.Query != "" {
		return t.Path
	}
	return path.Base(t.Path)
}

// notInside reports whether a path is that of a file and not of one in a VPK.
func notInside(p string) bool {
	_, in := inside(p)
	return in == ""
}

// newFileIn is what a new text file in a directory begins its path with.
func newFileIn(dir string) string {
	if file, _ := inside(dir + "/"); dir == "" || file != dir+"/" {
		return "left4dead2/cfg/new.cfg"
	}
	return dir + "/new.cfg"
}

// removeView asks before a file goes from the newest revision.
func (p *panel) removeView(r *http.Request, who accounts.Actor) (view, error) {
	return p.removeWith(r, who, r.FormValue("path"), "")
}

// removeWith is a form about the revision that was looked at: it stays as it is, and
// a newer one is told when it is sent.
func (p *panel) removeWith(r *http.Request, who accounts.Actor, file, problem string) (view, error) {
	o, err := p.overlayPage(r, who, "contents")
	if err != nil {
		return view{}, err
	}
	if file == "" || o.Kind != left4me.FilesOverlay {
		return view{}, errNoPage
	}
	v := filesView{Revision: o.Content.Current, Current: true, base: overlayPath(o.Name)}
	return view{frame: p.frame(r, who, "Remove a file", "overlays"), body: []piece{
		p.form(r, "remove", removeFile(o, v, file, problem), onContent(), onEnds(left4me.BuildOverlay.Noun())),
	}}, nil
}

func (p *panel) removeFiles(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	o, err := p.overlayPage(r, who, "contents")
	if err != nil {
		return err
	}
	file := r.FormValue("path")
	base, err := strconv.Atoi(r.FormValue("base"))
	if err != nil {
		return errNoPage
	}
	_, err = p.Content.Build(r.Context(), who.Name, o.Name,
		overlays.Request{Note: "removed " + file, Change: &left4me.Change{Delete: []string{file}, Base: base}})
	if wrong, ok := problemsOf(err); ok {
		v, err := p.removeWith(r, who, file, wrong.all())
		if err != nil {
			return err
		}
		v.at = overlayPath(o.Name)
		return p.show(w, r, http.StatusConflict, v)
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, overlayPath(o.Name), http.StatusSeeOther)
	return nil
}
