package place

import (
	"strings"

	"github.com/left4me/left4me/internal/left4me"
)

// byName maps the lower-case name of a known directory to its possible paths in a layer, most
// likely first.
var byName = map[string][]string{
	game: {game},

	"addons": {addons}, "cfg": {cfgDir}, "maps": {maps}, "scripts": {game + "/scripts"}, "missions": {game + "/missions"},
	"missions.cache": {game + "/missions.cache"}, "materials": {game + "/materials"},
	"models": {game + "/models"}, "sound": {game + "/sound"}, "particles": {game + "/particles"}, "resource": {game + "/resource"},
	"modes": {game + "/modes"},
	"media": {game + "/media"}, "scenes": {game + "/scenes"}, "expressions": {game + "/expressions"}, "ems": {game + "/ems"},

	"vscripts": {game + "/scripts/vscripts"},

	"sourcemod": {sm, cfgDir + "/sourcemod"}, "metamod": {mm}, "stripper": {addons + "/stripper"}, "l4dtoolz": {addons + "/l4dtoolz"},

	"plugins": {sm + "/plugins"}, "gamedata": {sm + "/gamedata"}, "translations": {sm + "/translations"},
	"extensions": {sm + "/extensions"}, "scripting": {sm + "/scripting"},
	"configs": {sm + "/configs"}, "data": {sm + "/data"}, "include": {sm + "/scripting/include"},

	"bin": {sm + "/bin", mm + "/bin", "bin"},
}

// gameSiblings lists the directories next to left4dead2 in a game installation.
var gameSiblings = map[string]bool{
	"bin": true, "hl2": true, "platform": true, "update": true, "left4dead2_dlc1": true, "left4dead2_dlc2": true, "left4dead2_dlc3": true,
	"left4dead2_lv": true,
}

// lower contains the directories that the game and SourceMod only find in lower case.
var lower = func() map[string]bool {
	all := map[string]bool{
		addons + "/workshop": true, sm + "/plugins/disabled": true, sm + "/plugins/optional": true, sm + "/logs": true,
		sm + "/bin/x64": true, sm + "/extensions/x64": true,
		mm + "/bin/linux64": true, addons + "/stripper/maps": true, addons + "/stripper/bin": true, addons + "/l4dtoolz/bin": true,
		game + "/bin": true, game + "/logs": true,
		game + "/scripts/melee": true, game + "/scripts/population": true, game + "/scripts/talker": true, game + "/maps/graphs": true,
		game + "/maps/soundcache": true,
		game + "/ems":             true, sm + "/configs/geoip": true, sm + "/data/sqlite": true, sm + "/configs/sql-init-scripts": true,
		sm + "/configs/sourcescramble": true,
	}
	for _, paths := range byName {
		for _, p := range paths {
			all[p] = true
		}
	}
	for b := range gameSiblings {
		all[b] = true
	}
	return all
}()

// Known reports whether a lower-case directory of a layer is one that the game, SourceMod or
// Metamod uses.
func Known(dir string) bool { return lower[dir] }

// underSM lists subdirectories that identify a SourceMod directory.
var underSM = []string{"plugins", "gamedata", "translations", "extensions", "scripting", "configs", "data"}

// underGame lists subdirectories that identify the game's directory.
var underGame = []string{
	"addons", "cfg", "maps", "scripts", "missions", "materials", "models", "sound", "particles", "resource", "modes",
	"media", "scenes", "expressions", "ems",
}

// home maps a kind to the default directory of its files.
var home = map[kind]string{
	source: sm + "/scripting", include: sm + "/scripting/include", plugin: sm + "/plugins", phrases: sm + "/translations",
	extension: sm + "/extensions", pack: addons, mapFile: maps,
	vscript: game + "/scripts/vscripts", particle: game + "/particles", geo: sm + "/configs/geoip",
}

// whyHome returns the reason for placing a kind in its home.
func (k kind) whyHome() left4me.Note {
	switch k {
	case source:
		return left4me.NewNote("placement.plugin_source")
	case include:
		return left4me.NewNote("placement.plugin_include")
	case plugin:
		return left4me.NewNote("placement.plugin")
	case phrases:
		return left4me.NewNote("placement.phrases")
	case extension:
		return left4me.NewNote("placement.extension")
	case pack:
		return left4me.NewNote("placement.addon")
	case mapFile:
		return left4me.NewNote("placement.map")
	case vscript:
		return left4me.NewNote("placement.vscript")
	case particle:
		return left4me.NewNote("placement.particles")
	case geo:
		return left4me.NewNote("placement.geoip")
	}
	return left4me.Note{}
}

// byFile maps well-known lower-case file names to directories.
var byFile = map[string]string{
	"server.cfg": cfgDir, "autoexec.cfg": cfgDir, "listenserver.cfg": cfgDir, "banned_user.cfg": cfgDir, "banned_ip.cfg": cfgDir,
	"server_startup.cfg": cfgDir,
	"sourcemod.cfg":      cfgDir + "/sourcemod", "sm_warmode_on.cfg": cfgDir + "/sourcemod", "sm_warmode_off.cfg": cfgDir + "/sourcemod",
	"admins.cfg": sm + "/configs", "admins_simple.ini": sm + "/configs", "admin_groups.cfg": sm + "/configs",
	"admin_overrides.cfg": sm + "/configs", "admin_levels.cfg": sm + "/configs",
	"databases.cfg": sm + "/configs", "core.cfg": sm + "/configs", "languages.cfg": sm + "/configs", "maplists.cfg": sm + "/configs",
	"banreasons.txt":     sm + "/configs",
	"adminmenu_cfgs.txt": sm + "/configs", "adminmenu_custom.txt": sm + "/configs", "adminmenu_grouping.txt": sm + "/configs",
	"adminmenu_sorting.txt": sm + "/configs",
	"metaplugins.ini":       mm, "global_filters.cfg": addons + "/stripper",
	"motd.txt": game, "host.txt": game, "mapcycle.txt": game, "maplist.txt": game, "gameinfo.txt": game, "steam.inf": game,
	"addonlist.txt": game, "whitelist.cfg": game,
	"motd_default.txt": game, "host_default.txt": game,
}

// languages contains the language codes of SourceMod's configs/languages.cfg and variants found in
// uploads.
var languages = func() map[string]bool {
	all := map[string]bool{}
	for l := range strings.FieldsSeq(
		"ar bg bra chi cze da de el en es fa fi fr he hu id it jp ja ko las lt lv nl no pl pt pt_p ro ru sk sl sp sr sv th tr ua uk vi " +
			"zh zho") {
		all[l] = true
	}
	return all
}()
