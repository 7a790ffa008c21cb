package settings

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/locale"
	"github.com/left4me/left4me/internal/web/campaigns"
	"github.com/left4me/left4me/internal/web/format"
)

// mapsWithin limits how long a form waits for the maps of overlays. Reading many large
// overlays for the first time takes longer, and the user can type the name of a map.
const mapsWithin = 3 * time.Second

// mapOffer is a map that the form suggests as the first map.
type mapOffer struct {
	Map      string
	Campaign string
	Chapter  int          // number of the chapter, from 1; 0 if unknown
	Modes    string       // modes of the map, separated by spaces; empty if unknown
	Overlay  left4me.Name // overlay that contains the map; empty if it comes with the game
}

// label returns the map's campaign, chapter and overlay.
func (o mapOffer) label(ctx context.Context) string {
	switch {
	case o.Chapter > 0 && o.Overlay != "":
		return locale.T(ctx, "settings.maps.chapter_from_overlay", "campaign", o.Campaign, "chapter", o.Chapter, "overlay", o.Overlay)
	case o.Chapter > 0:
		return locale.T(ctx, "settings.maps.chapter", "campaign", o.Campaign, "chapter", o.Chapter)
	case o.Overlay != "":
		return locale.T(ctx, "settings.maps.from_overlay", "campaign", o.Campaign, "overlay", o.Overlay)
	}
	return o.Campaign
}

// mapOffers returns the maps of the overlays in stack, then those of the game, then those of
// the other overlays in all, because a user may choose a map before adding its overlay.
func (p *Choices) mapOffers(ctx context.Context, stack []left4me.OverlayRef, all []left4me.Name) []mapOffer {
	ctx, cancel := context.WithTimeout(ctx, mapsWithin)
	defer cancel()
	asked := slices.Clone(stack)
	stacked := func(n left4me.Name) bool {
		return slices.ContainsFunc(stack, func(o left4me.OverlayRef) bool { return o.Name == n })
	}
	for _, n := range all {
		if !stacked(n) {
			asked = append(asked, left4me.OverlayRef{Name: n})
		}
	}
	campaigns, err := p.Servers.CampaignsOf(ctx, asked)
	if err != nil || !slices.ContainsFunc(campaigns, func(c left4me.Campaign) bool { return c.Overlay == "" }) {
		campaigns = append(left4me.OfficialCampaigns(), campaigns...)
	}
	var first, game, others []mapOffer
	for _, c := range campaigns {
		for _, o := range offersOf(c) {
			switch {
			case c.Overlay == "":
				game = append(game, o)
			case stacked(c.Overlay):
				first = append(first, o)
			default:
				others = append(others, o)
			}
		}
	}
	seen := map[string]bool{}
	return slices.DeleteFunc(slices.Concat(first, game, others), func(o mapOffer) bool {
		duplicate := seen[strings.ToLower(o.Map)]
		seen[strings.ToLower(o.Map)] = true
		return duplicate
	})
}

func offersOf(c left4me.Campaign) (all []mapOffer) {
	for _, ch := range campaigns.ChaptersOf(c) {
		modes := left4me.MapModes([]left4me.Campaign{c}, ch.Map)
		all = append(all, mapOffer{
			Map: ch.Map, Campaign: format.Visible(c.Title), Chapter: ch.Number, Modes: strings.Join(modes, " "), Overlay: c.Overlay,
		})
	}
	return all
}
