package web

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
)

// revisionsView is the list of an overlay's revisions.
func (p *panel) revisionsView(r *http.Request, who accounts.Actor) (view, error) {
	o, err := p.overlayPage(r, who, "revisions")
	if err != nil {
		return view{}, err
	}
	return p.overlayView(r, who, o, showing("overlay-revisions", revisionTable(o), append(onOverlay(o.Name), onEnds("server"))...)), nil
}

// pathRevision is the revision in the path of a request.
func pathRevision(r *http.Request) (left4me.Name, int, error) {
	name, err := pathName(r)
	if err != nil {
		return "", 0, err
	}
	n, err := strconv.Atoi(r.PathValue("revision"))
	if err != nil || n < 1 {
		return "", 0, errNoPage
	}
	return name, n, nil
}

func (p *panel) useRevision(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	name, n, err := pathRevision(r)
	if err != nil {
		return err
	}
	if _, err := p.Content.Revisions().Use(r.Context(), who.Name, name, n); err != nil {
		return err
	}
	http.Redirect(w, r, overlayPath(name, "/revisions"), http.StatusSeeOther)
	return nil
}

func (p *panel) labelRevision(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	name, n, err := pathRevision(r)
	if err != nil {
		return err
	}
	if _, err := p.Content.Revisions().Label(r.Context(), who.Name, name, n, strings.TrimSpace(r.FormValue("label"))); err != nil {
		return err
	}
	http.Redirect(w, r, overlayPath(name, "/revisions"), http.StatusSeeOther)
	return nil
}

// dropView asks before a revision is dropped. One that is gone leads to the others.
func (p *panel) dropView(r *http.Request, who accounts.Actor) (view, error) {
	o, err := p.overlayPage(r, who, "revisions")
	if err != nil {
		return view{}, err
	}
	_, n, err := pathRevision(r)
	if err != nil {
		return view{}, err
	}
	rev, ok := revision(o.Content, n)
	if !ok {
		return view{}, errNoPage
	}
	return view{
		frame: p.frame(r, who, fmt.Sprintf("Drop revision %d", n), "overlays"),
		body:  []piece{showing("drop", dropRevision(o, rev), onOverlay(o.Name)...)},
	}, nil
}

func (p *panel) dropRevision(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	name, n, err := pathRevision(r)
	if err != nil {
		return err
	}
	if _, err := p.Content.Revisions().Drop(r.Context(), who.Name, name, n); err != nil {
		return err
	}
	http.Redirect(w, r, overlayPath(name, "/revisions"), http.StatusSeeOther)
	return nil
}

// errNoRevision is for an address that names a revision that is gone.
var errNoRevision = left4me.Errorf(left4me.NotFound, "there is no such revision").
	WithHint("it may have been dropped; the list of revisions has those that there are")

// diffView is how two revisions differ.
type diffView struct {
	From, To int
	Page     left4me.Page[left4me.FileChange]
}

// diffView is how two revisions differ.
func (p *panel) diffView(r *http.Request, who accounts.Actor) (view, error) {
	o, err := p.overlayPage(r, who, "revisions")
	if err != nil {
		return view{}, err
	}
	q := r.URL.Query()
	number := func(field string) int {
		n, e := strconv.Atoi(cmp.Or(q.Get(field), "0"))
		if e != nil || n < 0 {
			err = errNoPage
		}
		return n
	}
	v := diffView{From: number("from"), To: cmp.Or(number("to"), o.Content.Current)}
	if err != nil {
		return view{}, err
	}
	list := lazy("differences", func(ctx context.Context) (templ.Component, error) {
		var err error
		v.Page, err = p.Content.Revisions().Diff(ctx, o.Name, v.From, v.To, q.Get("after"), listedFiles)
		return diffList(o, v), err
	}, onContent(), onEnds(left4me.BuildOverlay.Noun()))
	return p.overlayView(r, who, o, list), nil
}

// detailed are the details of one revision.
func (p *panel) detailed(ctx context.Context, o *overlayPage, n int) (rev left4me.Revision, err error) {
	err = p.read(ctx, o, func(o overlayPage) error {
		rev = left4me.Revision{}
		if o.aside() || o.Content.Current == 0 && n == 0 {
			return nil
		}
		c, err := p.Content.Revisions().Get(ctx, o.Name, n)
		if e, ok := left4me.Public(err); ok && e.Kind == left4me.Unavailable {
			return nil // the head of the page says so
		}
		if err != nil {
			return err
		}
		var ok bool
		if rev, ok = revision(c, n); !ok {
			return errNoRevision
		}
		return nil
	})
	return rev, err
}

// detailView is a page about one revision of an overlay.
func (p *panel) detailView(tab, id string, show func(overlayPage, left4me.Revision) templ.Component) builder {
	return func(r *http.Request, who accounts.Actor) (view, error) {
		o, err := p.overlayPage(r, who, tab)
		if err != nil {
			return view{}, err
		}
		n, err := wantedRevision(r)
		if err != nil {
			return view{}, err
		}
		return p.overlayView(r, who, o, lazy(id, func(ctx context.Context) (templ.Component, error) {
			rev, err := p.detailed(ctx, &o, n)
			return show(o, rev), err
		}, onContent(), onEnds(left4me.BuildOverlay.Noun()))), nil
	}
}

// warningWords are what a kind of warning is called.
var warningWords = map[string]string{
	left4me.WarnSameFile: "Two add-ons, one file", left4me.WarnNoMission: "Map without a campaign",
	left4me.WarnNoMap:     "Campaign without its map",
	left4me.WarnOtherGame: "For another game", left4me.WarnBroken: "Can't be read", left4me.WarnHollow: "The game finds nothing",
	left4me.WarnUnchecked: "No checksums", left4me.WarnScript: "Script", left4me.WarnTooMany: "Too many add-ons",
	left4me.WarnName: "Name", left4me.WarnSyntax: "Syntax", left4me.WarnDuplicate: "Twice", left4me.WarnIncomplete: "Incomplete",
	left4me.WarnText: "Text", left4me.WarnPlace: "Place", left4me.WarnNoSourceMod: "No SourceMod", left4me.WarnNoMetamod: "No Metamod",
	left4me.WarnTickrate: "Tick rate",
}

// recipeFor are the recipes that bring what a server lacks.
var recipeFor = map[string]string{
	left4me.WarnNoSourceMod: "sourcemod",
	left4me.WarnNoMetamod:   "sourcemod",
	left4me.WarnTickrate:    "l4dtoolz",
}

func warningWord(kind string) string { return cmp.Or(warningWords[kind], visible(kind)) }

// fixable counts the warnings that a repair of texts mends.
func fixable(all []left4me.Warning) (n int) {
	for _, w := range all {
		if w.Fix {
			n++
		}
	}
	return n
}

// mayRepair reports whether texts of a revision can be repaired: they are those
// that servers start with.
func mayRepair(o overlayPage, r left4me.Revision) bool {
	return o.May.Act && r.Number == o.Content.Current
}

// modeWords are the modes of the game in the order in which people think of them.
var modeWords = []struct{ Mode, Word string }{
	{"coop", "Co-op"}, {"realism", "Realism"}, {"versus", "Versus"}, {"survival", "Survival"}, {"scavenge", "Scavenge"},
}

// modesOf are the modes of a campaign, those of the game first.
func modesOf(c left4me.Campaign) (all []string) {
	for _, m := range modeWords {
		if len(c.Modes[m.Mode]) > 0 {
			all = append(all, m.Mode)
		}
	}
	var others []string
	for m, chapters := range c.Modes {
		if len(chapters) > 0 && !slices.Contains(all, m) {
			others = append(others, m)
		}
	}
	slices.Sort(others)
	return append(all, others...)
}

func modeWord(mode string) string {
	if mode == left4me.AnyMode {
		return "any mode"
	}
	for _, m := range modeWords {
		if m.Mode == mode {
			return m.Word
		}
	}
	return visible(mode)
}

// chaptersOf are the chapters of a campaign, each once, with the modes that have
// it.
func chaptersOf(c left4me.Campaign) (all []chapterModes) {
	known := map[string]int{}
	for _, mode := range modesOf(c) {
		for _, ch := range c.Modes[mode] {
			i, ok := known[left4me.MapName(ch.Map)]
			if !ok {
				known[left4me.MapName(ch.Map)] = len(all)
				all = append(all, chapterModes{ch, []string{mode}})
				continue
			}
			all[i].Modes = append(all[i].Modes, mode)
		}
	}
	return all
}

// chapterModes is a chapter with the modes in which it is played.
type chapterModes struct {
	left4me.Chapter
	Modes []string
}

func (c chapterModes) words() string {
	words := make([]string, len(c.Modes))
	for i, m := range c.Modes {
		words[i] = modeWord(m)
	}
	return strings.Join(words, ", ")
}

// campaignPicture is the address of a campaign's picture, or empty.
func campaignPicture(o left4me.Name, rev int, file, image string) string {
	if image == "" || pictureOf(image) == "" {
		return ""
	}
	path := image
	if file != "" {
		path = file + "/" + image
	}
	v := filesView{Revision: rev, base: overlayPath(o)}
	return string(v.of("picture", path))
}
