package web

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
)

// mapsView is what a server can play, to choose from.
type mapsView struct {
	All     []left4me.Campaign
	Filter  string
	Problem string // why the map did not change
	Unknown string // why it isn't known what there is
	Map     string // that was asked for
	Mode    string
}

// mapView lets somebody choose another map for a server.
func (p *panel) mapView(r *http.Request, who accounts.Actor) (view, error) {
	return p.mapWith(r, who, mapsView{Filter: r.URL.Query().Get("q")})
}

func (p *panel) mapWith(r *http.Request, who accounts.Actor, m mapsView) (view, error) {
	s, err := p.serverPage(r, who, "live")
	if err != nil {
		return view{}, err
	}
	list := lazy("map-list", func(ctx context.Context) (templ.Component, error) {
		m, err := p.maps(ctx, s, m)
		return mapsList(s, m), err
	}, onRun(s.Name), onContent(), onEnds(left4me.BuildOverlay.Noun()))
	if m.Map != "" { // the choice that was made stays
		list.later()
	}
	v := p.serverView(r, who, s, fixed(mapsHead(s, m)), showing("map-note", mapsNote(s), onServer(s.Name)), list)
	v.Title = "Map of " + string(s.Name)
	return v, nil
}

// maps fills in what a server can play.
func (p *panel) maps(ctx context.Context, s serverPage, v mapsView) (mapsView, error) {
	var err error
	v.All, err = p.Servers.Campaigns(ctx, s.Name)
	if e, ok := left4me.Public(err); ok && e.Kind == left4me.Unavailable {
		v.Unknown, err = sentence(visible(e.Error())), nil
	}
	// What somebody added is likelier wanted than what everybody has.
	slices.SortStableFunc(v.All, func(a, b left4me.Campaign) int { return -cmp.Compare(min(len(a.Overlay), 1), min(len(b.Overlay), 1)) })
	return v, err
}

// changeMap changes what a server that runs plays.
func (p *panel) changeMap(w http.ResponseWriter, r *http.Request, who accounts.Actor) error {
	if err := r.ParseForm(); err != nil {
		return badForm(err)
	}
	name, err := pathName(r)
	if err != nil {
		return err
	}
	v := mapsView{Map: r.PostForm.Get("map"), Mode: r.PostForm.Get("mode")}
	err = p.Servers.Consoles().ChangeMap(r.Context(), who.Name, name, v.Map, v.Mode)
	if wrong, ok := problemsOf(err); ok {
		v.Problem = wrong.all()
		page, err := p.mapWith(r, who, v)
		if err != nil {
			return err
		}
		return p.show(w, r, http.StatusUnprocessableEntity, page)
	}
	if err != nil {
		return err
	}
	return done(w, r, "/servers/"+string(name))
}

// findableCampaign is what a campaign can be found by, in lower case.
func findableCampaign(c left4me.Campaign) string {
	words := []string{c.Title, c.Author, string(c.Overlay)}
	for _, ch := range chaptersOf(c) {
		words = append(words, ch.Map, ch.Title)
	}
	return strings.ToLower(visible(strings.Join(words, " ")))
}

// matches reports whether a campaign is found by all words of the filter.
func (v mapsView) matches(c left4me.Campaign) bool {
	text := findableCampaign(c)
	for word := range strings.FieldsSeq(strings.ToLower(v.Filter)) {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}

// chosen is the chapter that a campaign's form begins with: the one that was asked
// for, or the one that is played.
func chosen(c left4me.Campaign, v mapsView, now string) string {
	for _, want := range []string{v.Map, now} {
		for _, ch := range chaptersOf(c) {
			if want != "" && strings.EqualFold(ch.Map, want) {
				return ch.Map
			}
		}
	}
	return ""
}

// chapterWords is a chapter in a list to choose from. Many titles begin with their
// number.
func chapterWords(c left4me.Chapter) string {
	title := visible(c.Title)
	if c.Number > 0 && !strings.HasPrefix(title, strconv.Itoa(c.Number)) {
		title = strconv.Itoa(c.Number) + ": " + title
	}
	return title + " (" + visible(c.Map) + ")"
}

// pictureOfCampaign is the address of a campaign's picture as a server has it, or empty.
func pictureOfCampaign(c left4me.Campaign) string {
	if c.Overlay == "" || c.Image == "" || pictureOf(c.Image) == "" {
		return ""
	}
	file := c.Image
	if c.File != "" {
		file = c.File + "/" + c.Image
	}
	return string(filesView{Current: true, base: overlayPath(c.Overlay)}.of("picture", file))
}
