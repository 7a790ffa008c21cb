package web

import "github.com/left4me/left4me/internal/left4me"

// chapter is where a map stands in its campaign. Which maps an overlay brings is
// not known here; such a map is shown by its own name.
type chapter struct {
	Campaign string // empty: not a map that comes with the game
	Number   int    // from 1
	Of       int
	Map      string
}

// chapters is every map that comes with the game, in order.
var chapters = func() (all []chapter) {
	for _, c := range left4me.OfficialCampaigns() {
		maps := c.Modes["coop"]
		for _, m := range maps {
			all = append(all, chapter{Campaign: c.Title, Number: m.Number, Of: len(maps), Map: m.Map})
		}
	}
	return all
}()

func chapterOf(m string) chapter {
	for _, c := range chapters {
		if c.Map == m {
			return c
		}
	}
	return chapter{Map: m}
}
