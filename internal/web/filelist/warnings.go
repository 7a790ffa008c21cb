package filelist

import (
	"cmp"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/format"
)

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

// RecipeFor are the recipes that bring what a server lacks.
var RecipeFor = map[string]string{
	left4me.WarnNoSourceMod: "sourcemod",
	left4me.WarnNoMetamod:   "sourcemod",
	left4me.WarnTickrate:    "l4dtoolz",
}

// WarningWord is what people call a kind of warning.
func WarningWord(kind string) string { return cmp.Or(warningWords[kind], format.Visible(kind)) }
