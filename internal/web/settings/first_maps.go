package settings

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/campaigns"
	"github.com/left4me/left4me/internal/web/format"
)

// mapsWithin is how long a form waits for the maps of overlays: the first look at
// many large ones takes a while, and a map can be typed too.
const mapsWithin = 3 * time.Second

// mapOffer is a map that a form offers to begin with.
type mapOffer struct {
	Map     string
	Words   string       // where it stands in its campaign, for people
	Overlay left4me.Name // that brings it; empty: the game has it
}

// mapOffers are the maps of a stack's overlays, those of the game, and then those
// of all other overlays: somebody may choose the map before what brings it.
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
		again := seen[strings.ToLower(o.Map)]
		seen[strings.ToLower(o.Map)] = true
		return again
	})
}

func offersOf(c left4me.Campaign) (all []mapOffer) {
	for _, ch := range campaigns.ChaptersOf(c) {
		words := format.Visible(c.Title)
		if ch.Number > 0 {
			words += fmt.Sprintf(", chapter %d", ch.Number)
		}
		if c.Overlay != "" {
			words += ", of the overlay " + string(c.Overlay)
		}
		all = append(all, mapOffer{Map: ch.Map, Words: words, Overlay: c.Overlay})
	}
	return all
}
