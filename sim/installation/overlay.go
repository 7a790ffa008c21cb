package installation

import (
	"errors"
	"fmt"
	"slices"
)

// ErrKind is returned for an unknown overlay.
var ErrKind = errors.New("no such overlay")

// OverlayKind names the content of an overlay.
type OverlayKind string

// Kinds of overlays.
const (
	SourceMod      OverlayKind = "sourcemod"       // MetaMod and SourceMod: directories and files without the code
	CustomCampaign OverlayKind = "custom-campaign" // add-on with a mission and its maps
	CompetitiveCfg OverlayKind = "competitive-cfg" // cfg files for matches
)

// OverlayKinds returns all kinds.
func OverlayKinds() []OverlayKind { return []OverlayKind{SourceMod, CustomCampaign, CompetitiveCfg} }

// LayOverlay creates an overlay in a directory that can be stacked on an installation: all files are
// below left4dead2/. It uses only the options Seed and Scale.
func LayOverlay(dir string, kind OverlayKind, o Options) error {
	if !slices.Contains(OverlayKinds(), kind) {
		return fmt.Errorf("%q: %w", kind, ErrKind)
	}
	if o.Scale == 0 {
		o.Scale = 1
	}
	l := newLayer(dir, o.Seed, o.Scale)
	switch kind {
	case SourceMod:
		l.sourceMod()
	case CustomCampaign:
		l.customCampaign()
	case CompetitiveCfg:
		l.competitiveCfg()
	}
	return l.err
}

func (l *layer) sourceMod() {
	const addons = base + "/addons/"
	l.text(addons+"metamod.vdf", "\"Plugin\"\n{\n\t\"file\"\t\"../left4dead2/addons/metamod/bin/server\"\n}\n")
	l.text(addons+"metamod/metaplugins.ini", "; one plugin a line\n")
	l.text(addons+"metamod/sourcemod.vdf",
		"\"Metamod Plugin\"\n{\n\t\"alias\"\t\"sourcemod\"\n\t\"file\"\t\"addons/sourcemod/bin/sourcemod_mm\"\n}\n")
	for _, name := range []string{
		"metamod/bin/server.so", "metamod/bin/metamod.2.l4d2.so", "sourcemod/bin/sourcemod_mm.so",
		"sourcemod/bin/sourcemod.2.l4d2.so", "sourcemod/extensions/sdktools.ext.2.l4d2.so",
		"sourcemod/plugins/admin-flatfile.smx", "sourcemod/plugins/basecommands.smx", "sourcemod/plugins/basechat.smx",
		"sourcemod/plugins/left4dhooks.smx", "sourcemod/plugins/disabled/mapchooser.smx",
	} {
		l.write(addons+name, 0o644, l.noise(5000))
	}
	l.text(addons+"sourcemod/configs/admins_simple.ini", "// \"STEAM_1:0:2147450001\" \"99:z\"\n")
	l.text(addons+"sourcemod/configs/core.cfg", "\"Core\"\n{\n\t\"Logging\"\t\"on\"\n}\n")
	l.text(addons+"sourcemod/configs/databases.cfg", "\"Databases\"\n{\n\t\"driver_default\"\t\"sqlite\"\n}\n")
	l.text(addons+"sourcemod/data/left4dhooks.l4d2.cfg", "// nothing\n")
	l.text(addons+"sourcemod/logs/readme.txt", "Logs come here.\n")
	l.text(base+"/cfg/sourcemod/sourcemod.cfg", "// variables of plugins come here\n")
}

func (l *layer) customCampaign() {
	c := campaign{"MarmaladeMile", "Marmalade Mile", "", []string{"mm_m1_orchard", "mm_m2_cannery", "mm_m3_pier"}}
	files := []PackFile{
		{Name: "addoninfo.txt", Data: []byte(`"AddonInfo"
{
	addonSteamAppID		550
	addontitle		"Marmalade Mile"
	addonversion		1.2
	addontagline		"Bring toast."
	addonauthor		"the left4me simulation"
	addonContent_Campaign	1
	addonDescription	"A campaign that nobody can play."
}
`)},
		{Name: "missions/marmalade_mile.txt", Data: []byte(c.mission("coop", "versus"))},
	}
	for _, name := range c.maps {
		files = append(files,
			PackFile{Name: "maps/" + name + ".bsp", Data: l.bsp(), Preload: 16},
			PackFile{Name: "maps/" + name + ".nav", Data: l.noise(1000)})
	}
	for i := range 20 {
		files = append(files, PackFile{
			Name: fmt.Sprintf("materials/marmalade/%s%02d.vmt", l.noun(), i), Data: l.noise(900), Preload: 8,
		})
	}
	l.packFile(base+"/addons/marmalade_mile.vpk", files)
}

func (l *layer) competitiveCfg() {
	l.text(base+"/cfg/server_competitive.cfg", `// for matches
sv_alltalk 0
sv_pausable 1
sv_minrate 30000
sv_mincmdrate 30; sv_maxcmdrate 30
sv_tags "competitive,hidden"
sv_max_queries_sec 3
sv_max_queries_sec_global 20
sv_max_queries_window 10
exec competitive/teams.cfg
`)
	l.text(base+"/cfg/competitive/teams.cfg", "mp_autoteambalance 0\nsv_consistency 1\n")
	l.text(base+"/cfg/competitive/maps/readme.txt", "Values for single maps come here.\n")
	l.text(base+"/competitive_motd.txt", "Be kind.\n")
}
