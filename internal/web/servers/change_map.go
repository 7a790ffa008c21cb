package servers

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/locale"
	"github.com/left4me/left4me/internal/web/campaigns"
	"github.com/left4me/left4me/internal/web/filelist"
	"github.com/left4me/left4me/internal/web/format"
	"github.com/left4me/left4me/internal/web/page"
)

// mapsView contains the campaigns that a server can change to.
type mapsView struct {
	All     []left4me.Campaign
	Filter  string
	Problem string // why the map was not changed
	Unknown string // why the campaigns of the overlays are unknown
	Map     string // as requested
	Mode    string // as requested
}

// mapView shows the page for changing a server's map.
func (p *Pages) mapView(r *http.Request, who accounts.Actor, name left4me.Name) (page.View, error) {
	return p.mapWith(r, who, name, mapsView{Filter: r.URL.Query().Get("q")})
}

func (p *Pages) mapWith(r *http.Request, who accounts.Actor, name left4me.Name, m mapsView) (page.View, error) {
	s, err := p.serverPage(r, who, name, "status")
	if err != nil {
		return page.View{}, err
	}
	list := page.LazyPart("map-list", func(ctx context.Context) (templ.Component, error) {
		m, err := p.maps(ctx, s, m)
		return mapsList(s, m), err
	}, page.OnRun(s.Name), page.OnContent(), page.OnEnds(left4me.BuildOverlay.Noun()))
	if m.Map != "" { // keep the choice that failed selected
		list.Later()
	}
	v := p.serverView(r, who, s, page.Fixed(mapsHead(s, m)), page.NewPart("map-note", mapsNote(s), page.OnServer(s.Name)), list)
	v.Title = locale.T(r.Context(), "servers.map.title", "server", s.Name)
	return v, nil
}

// maps adds the campaigns that a server can change to.
func (p *Pages) maps(ctx context.Context, s serverPage, v mapsView) (mapsView, error) {
	var err error
	v.All, err = p.Servers.Campaigns(ctx, s.Name)
	if e, ok := page.Public(s.who, err); ok && e.Kind == left4me.Unavailable {
		v.Unknown, err = format.Sentence(format.Visible(format.ErrorLine(ctx, e))), nil
	}
	// Campaigns from overlays come first, because an administrator added them on purpose.
	slices.SortStableFunc(v.All, func(a, b left4me.Campaign) int { return -cmp.Compare(min(len(a.Overlay), 1), min(len(b.Overlay), 1)) })
	return v, err
}

// changeMap changes the map of a running server.
func (p *Pages) changeMap(w http.ResponseWriter, r *http.Request, who accounts.Actor, name left4me.Name) error {
	if err := r.ParseForm(); err != nil {
		return page.BadForm(err)
	}
	v := mapsView{Map: r.PostForm.Get("map"), Mode: r.PostForm.Get("mode")}
	_, err := p.Servers.Consoles().ChangeMap(r.Context(), who.Cause(), name, v.Map, v.Mode)
	if wrong, ok := page.ProblemsOf(r.Context(), who, err); ok {
		v.Problem = wrong.All()
		page, err := p.mapWith(r, who, name, v)
		if err != nil {
			return err
		}
		return p.Panel.Show(w, r, http.StatusUnprocessableEntity, page)
	}
	if err != nil {
		return err
	}
	return page.Done(w, r, "/servers/"+string(name))
}

// findableCampaign returns the text that a campaign is found by, in lower case.
func findableCampaign(c left4me.Campaign) string {
	words := []string{c.Title, c.Author, string(c.Overlay)}
	for _, ch := range campaigns.ChaptersOf(c) {
		words = append(words, ch.Map, ch.Title)
	}
	return strings.ToLower(format.Visible(strings.Join(words, " ")))
}

// matches reports whether a campaign contains all words of the filter.
func (v mapsView) matches(c left4me.Campaign) bool {
	text := findableCampaign(c)
	for word := range strings.FieldsSeq(strings.ToLower(v.Filter)) {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}

// chosen returns the chapter that is selected in a campaign's form: the requested one, or the
// current map.
func chosen(c left4me.Campaign, v mapsView, now string) string {
	for _, want := range []string{v.Map, now} {
		for _, ch := range campaigns.ChaptersOf(c) {
			if want != "" && strings.EqualFold(ch.Map, want) {
				return ch.Map
			}
		}
	}
	return ""
}

// chapterLabel returns the label of a chapter's option. It adds the number only if the title
// doesn't begin with it, as many do.
func chapterLabel(ctx context.Context, c left4me.Chapter) string {
	title := format.Visible(c.Title)
	if c.Number > 0 && !strings.HasPrefix(title, strconv.Itoa(c.Number)) {
		return locale.T(ctx, "servers.map.numbered_chapter", "number", c.Number, "title", title, "map", format.Visible(c.Map))
	}
	return locale.T(ctx, "servers.map.chapter_with_map", "title", title, "map", format.Visible(c.Map))
}

// modesOfChapter returns the modes of a chapter, separated by spaces, for the script that offers only
// these; empty if a mission file doesn't list them.
func modesOfChapter(modes []string) string {
	if slices.Contains(modes, left4me.AnyMode) {
		return ""
	}
	return strings.Join(modes, " ")
}

// pictureOfCampaign returns the URL of a campaign's picture in its overlay, or "".
func pictureOfCampaign(c left4me.Campaign) string {
	if c.Overlay == "" || c.Image == "" || filelist.PictureOf(c.Image) == "" {
		return ""
	}
	file := c.Image
	if c.File != "" {
		file = c.File + "/" + c.Image
	}
	return string(filelist.View{Current: true, Base: page.OverlayPath(c.Overlay)}.Of("picture", file))
}
