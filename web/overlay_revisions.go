package web

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/left4me/left4me"
	"github.com/left4me/left4me/control/accounts"
)

func (p *panel) showRevisions(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	o, err := p.overlayPage(r, who, "revisions")
	if err != nil {
		return err
	}
	return p.render(w, r, http.StatusOK, revisionsPage(p.overlayFrame(r, who, o), o))
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
	if _, err := p.Content.Use(r.Context(), who.Name, name, n); err != nil {
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
	if _, err := p.Content.Label(r.Context(), who.Name, name, n, strings.TrimSpace(r.FormValue("label"))); err != nil {
		return err
	}
	http.Redirect(w, r, overlayPath(name, "/revisions"), http.StatusSeeOther)
	return nil
}

func (p *panel) confirmDrop(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	o, err := p.overlayPage(r, who, "revisions")
	if err != nil {
		return err
	}
	_, n, err := pathRevision(r)
	if err != nil {
		return err
	}
	rev, ok := revision(o.Content, n)
	if !ok {
		return errNoPage
	}
	return p.render(w, r, http.StatusOK, dropRevisionPage(p.frame(r, who, fmt.Sprintf("Drop revision %d", n), "overlays"), o, rev))
}

func (p *panel) dropRevision(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	name, n, err := pathRevision(r)
	if err != nil {
		return err
	}
	if _, err := p.Content.DropRevision(r.Context(), who.Name, name, n); err != nil {
		return err
	}
	http.Redirect(w, r, overlayPath(name, "/revisions"), http.StatusSeeOther)
	return nil
}

// diffView is how two revisions differ.
type diffView struct {
	From, To int
	Page     left4me.Page[left4me.FileChange]
}

func (p *panel) showDiff(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	o, err := p.overlayPage(r, who, "revisions")
	if err != nil {
		return err
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
		return err
	}
	v.Page, err = p.Content.Diff(r.Context(), o.Name, v.From, v.To, q.Get("after"), listedFiles)
	if err != nil {
		return err
	}
	return p.render(w, r, http.StatusOK, diffPage(p.overlayFrame(r, who, o), o, v))
}

// detailed is an overlay with the details of one revision.
func (p *panel) detailed(r *http.Request, who accounts.Actor, tab string) (overlayPage, left4me.Revision, error) {
	o, err := p.overlayPage(r, who, tab)
	if err != nil {
		return o, left4me.Revision{}, err
	}
	n, err := wantedRevision(r)
	if err != nil || o.Content.Current == 0 && n == 0 {
		return o, left4me.Revision{}, err
	}
	c, err := p.Content.Revision(r.Context(), o.Name, n)
	if e, ok := left4me.Public(err); ok && e.Kind == left4me.Unavailable {
		return o, left4me.Revision{}, nil // the head of the page says so
	}
	if err != nil {
		return o, left4me.Revision{}, err
	}
	rev, ok := revision(c, n)
	if !ok {
		return o, rev, errNoPage
	}
	return o, rev, nil
}

func (p *panel) showProblems(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	o, rev, err := p.detailed(r, who, "problems")
	if err != nil {
		return err
	}
	return p.render(w, r, http.StatusOK, problemsPage(p.overlayFrame(r, who, o), o, rev))
}

func (p *panel) showCampaigns(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	o, rev, err := p.detailed(r, who, "campaigns")
	if err != nil {
		return err
	}
	return p.render(w, r, http.StatusOK, campaignsPage(p.overlayFrame(r, who, o), o, rev))
}

// warningWords are what a kind of warning is called.
var warningWords = map[string]string{
	left4me.WarnSameFile: "Two add-ons, one file", left4me.WarnNoMission: "Map without a campaign", left4me.WarnNoMap: "Campaign without its map",
	left4me.WarnOtherGame: "For another game", left4me.WarnBroken: "Can't be read", left4me.WarnScript: "Script", left4me.WarnTooMany: "Too many add-ons",
	left4me.WarnName: "Name", left4me.WarnSyntax: "Syntax", left4me.WarnDuplicate: "Twice", left4me.WarnIncomplete: "Incomplete",
}

func warningWord(kind string) string { return cmp.Or(warningWords[kind], visible(kind)) }

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
