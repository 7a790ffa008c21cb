package campaigns

import (
	"slices"
	"strings"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/format"
)

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

// ChapterOf is where a map that comes with the game stands; of any other it is only the name.
func ChapterOf(m string) chapter {
	for _, c := range chapters {
		if c.Map == m {
			return c
		}
	}
	return chapter{Map: m}
}

// modeWords are the modes of the game in the order in which people think of them.
var modeWords = []struct{ Mode, Word string }{
	{"coop", "Co-op"}, {"realism", "Realism"}, {"versus", "Versus"}, {"survival", "Survival"}, {"scavenge", "Scavenge"},
}

// ModesOf are the modes of a campaign, those of the game first.
func ModesOf(c left4me.Campaign) (all []string) {
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

// ModeWord is what people call a mode.
func ModeWord(mode string) string {
	if mode == left4me.AnyMode {
		return "any mode"
	}
	for _, m := range modeWords {
		if m.Mode == mode {
			return m.Word
		}
	}
	return format.Visible(mode)
}

// ChaptersOf are the chapters of a campaign, each once, with the modes that have
// it.
func ChaptersOf(c left4me.Campaign) (all []chapterModes) {
	known := map[string]int{}
	for _, mode := range ModesOf(c) {
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

func (c chapterModes) Words() string {
	words := make([]string, len(c.Modes))
	for i, m := range c.Modes {
		words[i] = ModeWord(m)
	}
	return strings.Join(words, ", ")
}
