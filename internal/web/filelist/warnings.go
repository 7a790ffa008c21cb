package filelist

import (
	"context"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/locale"
	"github.com/left4me/left4me/internal/web/format"
)

// warningLabels are the labels of the kinds of warnings.
var warningLabels = map[string]locale.Message{
	left4me.WarnSameFile:    locale.M("filelist.warning.same_file"),
	left4me.WarnNoMission:   locale.M("filelist.warning.no_mission"),
	left4me.WarnNoMap:       locale.M("filelist.warning.no_map"),
	left4me.WarnOtherGame:   locale.M("filelist.warning.other_game"),
	left4me.WarnBroken:      locale.M("filelist.warning.broken"),
	left4me.WarnHollow:      locale.M("filelist.warning.hollow"),
	left4me.WarnUnchecked:   locale.M("filelist.warning.unchecked"),
	left4me.WarnScript:      locale.M("filelist.warning.script"),
	left4me.WarnTooMany:     locale.M("filelist.warning.too_many"),
	left4me.WarnName:        locale.M("filelist.warning.name"),
	left4me.WarnSyntax:      locale.M("filelist.warning.syntax"),
	left4me.WarnDuplicate:   locale.M("filelist.warning.duplicate"),
	left4me.WarnIncomplete:  locale.M("filelist.warning.incomplete"),
	left4me.WarnText:        locale.M("filelist.warning.text"),
	left4me.WarnCommand:     locale.M("filelist.warning.command"),
	left4me.WarnPlace:       locale.M("filelist.warning.place"),
	left4me.WarnNoSourceMod: locale.M("filelist.warning.no_sourcemod"),
	left4me.WarnNoMetamod:   locale.M("filelist.warning.no_metamod"),
	left4me.WarnTickrate:    locale.M("filelist.warning.tick_rate"),
}

// RecipeFor maps kinds of warnings to the id of the recipe that installs what is missing.
var RecipeFor = map[string]string{
	left4me.WarnNoSourceMod: "sourcemod",
	left4me.WarnNoMetamod:   "sourcemod",
	left4me.WarnTickrate:    "l4dtoolz",
}

// WarningLabel returns the label of a kind of warning. An unknown kind, which a newer host
// may report, is its own label.
func WarningLabel(ctx context.Context, kind string) string {
	if m, ok := warningLabels[kind]; ok {
		return m.In(locale.From(ctx))
	}
	return format.Visible(kind)
}
