package installation

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ErrAddon is returned for an unknown add-on.
var ErrAddon = errors.New("no such add-on")

// addon is an add-on of the simulated workshop.
type addon struct {
	campaign        // no mission if its ID is empty
	author, tagline string
	modes           []string
	files           []PackFile // additional files
	kind            string     // suffix of the addonContent_ key
}

const smoke = "materials/particle/smoke01.vmt" // file shared by two add-ons

// addons contains the add-ons of the simulated workshop by name.
var addons = map[string]addon{
	"salt-flats": {
		campaign: campaign{"SaltFlats", "Salt Flats", "", []string{"sf_m1_motel", "sf_m2_causeway", "sf_m3_refinery", "sf_m4_airstrip"}},
		author:   "the left4me simulation", tagline: "Nothing grows here.", modes: []string{"coop", "versus", "survival"}, kind: "Campaign",
	},
	"pine-ridge": {
		campaign: campaign{"PineRidge", "Pine Ridge", "", []string{"pr_m1_sawmill", "pr_m2_ropeway", "pr_m3_summit"}},
		author:   "the left4me simulation", tagline: "Mind the gap.", modes: []string{"coop", "versus"}, kind: "Campaign",
	},
	"night-ferry": {
		campaign: campaign{"NightFerry", "Night Ferry", "", []string{"nf_m1_terminal", "nf_m2_cardeck"}},
		author:   "the left4me simulation", tagline: "All aboard.", modes: []string{"coop"}, kind: "Campaign",
	},
	"calm-director": {
		campaign: campaign{title: "Calm Director"}, author: "the left4me simulation", tagline: "Fewer surprises.", kind: "Script",
		files: []PackFile{{
			Name: "scripts/vscripts/calm_director.nut",
			Data: []byte("// fewer surprises\nDirectorOptions <-\n{\n\tMobMaxSize = 10\n}\n"),
		}},
	},
	"grey-smoke": {
		campaign: campaign{title: "Grey Smoke"}, author: "the left4me simulation", kind: "Skin",
		files: []PackFile{{Name: smoke, Data: []byte("\"UnlitGeneric\"\n{\n\t\"$color\" \"{ 90 90 90 }\"\n}\n")}},
	},
	"green-smoke": {
		campaign: campaign{title: "Green Smoke"}, author: "the left4me simulation", kind: "Skin",
		files: []PackFile{{Name: smoke, Data: []byte("\"UnlitGeneric\"\n{\n\t\"$color\" \"{ 60 160 60 }\"\n}\n")}},
	},
}

// Addons returns the names that Addon accepts, sorted.
func Addons() []string {
	names := []string{}
	for n := range addons {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// AddonTitle returns the title of an add-on, or "" if it is unknown.
func AddonTitle(name string) string { return addons[name].title }

// Addon creates the VPK of an add-on: salt-flats (a campaign of four chapters), pine-ridge (three),
// night-ferry (two), calm-director (a script), or grey-smoke and green-smoke (which share a file).
// Different versions have different contents. scale multiplies the sizes; 1 is about 60 kB per chapter.
// Addon returns ErrAddon for an unknown name.
func Addon(name string, version int, scale float64) ([]byte, error) {
	a, ok := addons[name]
	if !ok {
		return nil, fmt.Errorf("%q: %w", name, ErrAddon)
	}
	l := newLayer("", uint64(len(name))<<32+uint64(version), scale)
	files := append([]PackFile{{Name: "addoninfo.txt", Data: []byte(a.info(version))}}, a.files...)
	if a.id != "" {
		files = append(files, PackFile{Name: "missions/" + strings.ToLower(a.id) + ".txt", Data: []byte(a.mission(a.modes...))})
	}
	for _, m := range a.maps {
		files = append(files,
			PackFile{Name: "maps/" + m + ".bsp", Data: append([]byte("VBSP\x15\x00\x00\x00"), l.noise(50_000)...), Preload: 16},
			PackFile{Name: "maps/" + m + ".nav", Data: append([]byte("\xce\xfa\xed\xfe"), l.noise(9_000)...)})
	}
	var b bytes.Buffer
	err := WritePack(&b, files)
	return b.Bytes(), err
}

func (a addon) info(version int) string {
	return fmt.Sprintf(`"AddonInfo"
{
	addonSteamAppID		550
	addontitle		"%s"
	addonversion		"1.%d"
	addontagline		"%s"
	addonauthor		"%s"
	addonContent_%s	1
}
`, a.title, version, a.tagline, a.author, a.kind)
}
