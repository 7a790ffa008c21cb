package campaigns

import (
	"context"
	"slices"
	"strings"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/locale"
	"github.com/left4me/left4me/internal/web/format"
)

// baseModes are the modes of the game, in the order of its menu.
var baseModes = []string{"coop", "realism", "versus", "survival", "scavenge"}

// ModesOf returns the modes of a campaign: first those of the game, then the others by name.
func ModesOf(c left4me.Campaign) (all []string) {
	for _, m := range baseModes {
		if len(c.Modes[m]) > 0 {
			all = append(all, m)
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

// ModeName returns the name of a mode in the reader's language, or the mode itself if it is
// not a well-known one.
func ModeName(ctx context.Context, mode string) string {
	if mode == left4me.AnyMode {
		return locale.T(ctx, "campaigns.any_mode")
	}
	setting, _ := left4me.SettingOf("mode")
	for _, c := range setting.In(locale.From(ctx)).Choices {
		if c.Value == mode {
			return c.Label
		}
	}
	return format.Visible(mode)
}

// ChaptersOf returns the chapters of a campaign without duplicates, each with the modes that
// contain it.
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

// chapterModes is a chapter with the modes that contain it.
type chapterModes struct {
	left4me.Chapter
	Modes []string
}

// ModeNames returns the names of the chapter's modes in the reader's language.
func (c chapterModes) ModeNames(ctx context.Context) string {
	names := make([]string, len(c.Modes))
	for i, m := range c.Modes {
		names[i] = ModeName(ctx, m)
	}
	return strings.Join(names, ", ")
}
