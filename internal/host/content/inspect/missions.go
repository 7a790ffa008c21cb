package inspect

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/source/addon"
)

// maxChapters limits the chapters of a layer in all modes together: enough for a hundred of the
// longest campaigns, and small enough for a message on the bus.
const maxChapters = 15_000

// campaigns returns the campaigns of a layer, sorted by title.
func (v *view) campaigns() []left4me.Campaign {
	var all []left4me.Campaign
	left := maxChapters
	for _, m := range v.missions {
		for _, mode := range m.Modes {
			left -= len(mode.Chapters)
		}
		if left < 0 {
			v.warn.add(left4me.NewWarning(left4me.WarnSyntax, "", "campaign.too_many_chapters"))
			break
		}
		all = append(all, m.campaign(v))
	}
	slices.SortStableFunc(all, func(a, b left4me.Campaign) int {
		return cmp.Or(cmp.Compare(strings.ToLower(a.Title), strings.ToLower(b.Title)), cmp.Compare(a.File, b.File))
	})
	return all
}

func (m mission) campaign(v *view) left4me.Campaign {
	c := left4me.Campaign{
		ID: m.ID, Title: m.Title, Author: m.Author, Version: m.Version, Description: shown(m.Description), Mission: m.Path,
		Overlay: v.Name, Modes: map[string][]left4me.Chapter{},
	}
	var has func(string) (string, bool)
	if m.pack != nil {
		c.File, c.Image = m.pack.path, m.pack.picture
		has = m.pack.find
	}
	if has != nil {
		if p := browserImage(m.Image, has); p != "" {
			c.Image = p
		}
	}
	if shown(c.Title) == "" {
		c.Title = cmp.Or(m.ID, strings.TrimSuffix(path.Base(m.Path), path.Ext(m.Path)))
	}
	for _, mode := range m.Modes {
		for _, ch := range mode.Chapters {
			next := left4me.Chapter{Number: ch.Number, Map: ch.Map, Title: cmp.Or(shown(ch.Title), ch.Map)}
			if has != nil {
				next.Image = browserImage(ch.Image, has)
			}
			c.Modes[mode.Name] = append(c.Modes[mode.Name], next)
		}
	}
	return c
}

// shown returns a text, or "" if it is only the key of a translation of the game.
func shown(s string) string {
	if strings.HasPrefix(s, "#") {
		return ""
	}
	return s
}

// browserImage returns the path of an image in a format that browsers support, or "".
func browserImage(image string, has func(string) (string, bool)) string {
	if image == "" {
		return ""
	}
	for _, dir := range []string{"", "materials/", "materials/vgui/"} {
		for _, ext := range []string{".jpg", ".png"} {
			if p, ok := has(dir + image + ext); ok {
				return p
			}
		}
	}
	return ""
}

// find returns the path of a picture or script with the given lower-case path.
func (p *pack) find(name string) (string, bool) {
	found, ok := p.named[name]
	return found, ok
}

// looseMaps returns the maps outside of VPKs: paths by name without extension.
func (v *view) looseMaps() map[string]string {
	maps := map[string]string{}
	for _, f := range v.files {
		dir, name := path.Split(f)
		for _, g := range gameDirs {
			if stem, ok := strings.CutSuffix(strings.ToLower(name), ".bsp"); ok && strings.EqualFold(dir, g+"/maps/") {
				maps[stem] = f
			}
		}
	}
	return maps
}

// named returns all maps that a mission of the layer or of the game names.
func (v *view) named() map[string]bool {
	all := officialMaps()
	for _, m := range v.missions {
		for _, mode := range m.Modes {
			for _, c := range mode.Chapters {
				all[c.Map] = true
			}
		}
	}
	return all
}

func officialMaps() map[string]bool {
	all := map[string]bool{}
	for _, c := range left4me.OfficialCampaigns() {
		for _, ch := range c.Modes["coop"] {
			all[ch.Map] = true
		}
	}
	return all
}

// mapsWithoutMission returns the maps without a mission, as one campaign per file that contains some.
func (v *view) mapsWithoutMission() []left4me.Campaign {
	named := v.named()
	var all []left4me.Campaign
	collect := func(file string, maps []string) {
		slices.Sort(maps)
		c := left4me.Campaign{Title: "Maps without a campaign", File: file, Overlay: v.Name, Modes: map[string][]left4me.Chapter{}}
		if file != "" {
			c.Title = strings.TrimSuffix(path.Base(file), path.Ext(file))
		}
		for _, m := range slices.Compact(maps) {
			if !named[m] && addon.MapName(m) {
				c.Modes[left4me.AnyMode] = append(c.Modes[left4me.AnyMode],
					left4me.Chapter{Number: len(c.Modes[left4me.AnyMode]) + 1, Map: m, Title: m})
			}
		}
		if len(c.Modes) > 0 {
			all = append(all, c)
		}
	}
	for _, p := range v.addons() {
		collect(p.path, slices.Clone(p.maps))
	}
	var loose []string
	for m := range v.looseMaps() {
		loose = append(loose, m)
	}
	collect("", loose)
	return all
}

// checkMaps warns about maps without a mission and missions without their maps.
func (v *view) checkMaps() {
	loose, named := v.looseMaps(), v.named()
	there := officialMaps()
	for m := range loose {
		there[m] = true
	}
	for _, p := range v.packs {
		for _, m := range p.maps {
			there[m] = true
		}
	}
	without := func(path string, maps []string) {
		maps = slices.DeleteFunc(slices.Compact(slices.Sorted(slices.Values(maps))), func(m string) bool { return named[m] || v.hidden[m] })
		if len(maps) > 0 {
			names, more := some(maps)
			v.warn.add(left4me.NewWarning(left4me.WarnNoMission, path, "map.no_mission", "names", names, "more", more))
		}
	}
	for _, p := range v.addons() {
		without(p.path, p.maps)
	}
	var names []string
	for m := range loose {
		names = append(names, m)
	}
	if len(names) > 0 {
		where := base + "/maps"
		if len(names) == 1 {
			where = loose[names[0]]
		}
		without(where, names)
	}
	for _, m := range v.missions {
		var missing []string
		listed := map[string]bool{}
		for _, mode := range m.Modes {
			for _, c := range mode.Chapters {
				if !there[c.Map] && !listed[c.Map] {
					missing, listed[c.Map] = append(missing, c.Map), true
				}
			}
		}
		if len(missing) > 0 {
			where := m.Path
			if m.pack != nil {
				where = m.pack.path
			}
			names, more := some(missing)
			v.warn.add(left4me.NewWarning(left4me.WarnNoMap, where, "map.missing", "names", names, "more", more))
		}
	}
}
