package inspect

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/left4me/left4me/internal/left4me"
)

// everyAddons contains the scripts that the game runs from every add-on. They conflict only as
// loose files of two layers.
var everyAddons = map[string]bool{
	"director_base_addon.nut": true, "mapspawn_addon.nut": true, "scriptedmode_addon.nut": true, "response_testbed_addon.nut": true,
}

// harmless reports whether several add-ons may contain a file without a conflict: the add-on's own
// description, files that the game regenerates, and scripts that the game runs from every add-on.
func harmless(name string) bool {
	dir, file := path.Split(name)
	switch {
	case dir == "": // addoninfo.txt, addonimage.jpg, readme.txt
		return true
	case dir == "scripts/vscripts/":
		return everyAddons[file]
	}
	return path.Ext(file) == ".cache"
}

// owner is an add-on that contains a file.
type owner struct {
	pack int
	size int64
	crc  uint32
}

// pair records the files that two add-ons share.
type pair struct {
	a, b      int
	different []string // files with different content
	count     int      // number of files with different content
	same      int      // number of files with equal content
}

// mostOwners limits the pairs per file: a library that half of all add-ons contain would produce
// thousands.
const mostOwners = 12

// warnConflicts warns about add-ons that contain the same files. It compares the add-ons of a
// single view with each other, and with several views only those of different views.
func warnConflicts(views []*view, w *list) {
	var packs []*pack
	for _, v := range views {
		packs = append(packs, v.addons()...)
	}
	owners := map[string][]owner{}
	for i, p := range packs {
		last := ""
		for _, e := range p.entries {
			if harmless(e.path) || e.path == last {
				continue
			}
			last = e.path
			if o := owners[e.path]; len(o) < mostOwners {
				owners[e.path] = append(o, owner{i, e.size, e.crc})
			}
		}
	}
	pairs := map[[2]int]*pair{}
	for name, o := range owners {
		for i := range o {
			for _, b := range o[i+1:] {
				if o[i].pack == b.pack || len(views) > 1 && packs[o[i].pack].layer == packs[b.pack].layer ||
					packs[o[i].pack].hash == packs[b.pack].hash {
					continue
				}
				key := [2]int{o[i].pack, b.pack}
				p := pairs[key]
				if p == nil {
					p = &pair{a: key[0], b: key[1]}
					pairs[key] = p
				}
				if o[i].crc == b.crc && o[i].size == b.size {
					p.same++
					continue
				}
				p.count++
				p.different = append(p.different, name)
			}
		}
	}
	warnPairs(packs, pairs, w)
}

func warnPairs(packs []*pack, pairs map[[2]int]*pair, w *list) {
	order := make([]*pair, 0, len(pairs))
	for _, p := range pairs {
		order = append(order, p)
	}
	slices.SortFunc(order, func(x, y *pair) int { return cmp.Or(cmp.Compare(x.a, y.a), cmp.Compare(x.b, y.b)) })
	var same []string
	listed := map[string]bool{}
	for _, p := range order {
		a, b := packs[p.a], packs[p.b]
		if p.count == 0 {
			for _, n := range []string{path.Base(a.path), path.Base(b.path)} {
				if !listed[n] && len(same) < 1000 {
					same, listed[n] = append(same, n), true
				}
			}
			continue
		}
		slices.Sort(p.different)
		names, more := some(p.different)
		w.add(left4me.NewWarning(left4me.WarnSameFile, a.path, "addon.same_files", "other", b.path, "overlay", b.overlay(a),
			"count", p.count, "names", names, "more", more))
	}
	if len(same) > 0 {
		names, more := some(same)
		w.add(left4me.NewWarning(left4me.WarnSameFile, "", "addon.equal_files", "names", names, "more", more))
	}
}

// overlay returns the overlay of a VPK as an argument of a warning, or nil if the VPK beside is in
// the same one.
func (p *pack) overlay(beside *pack) any {
	if p.layer == beside.layer {
		return nil
	}
	return optional(string(p.layer.Name))
}

// warnDuplicates warns about add-ons and campaigns that occur twice.
func warnDuplicates(views []*view, w *list) {
	first := map[uint64]*pack{}
	for _, v := range views {
		for _, p := range v.addons() {
			if len(p.entries) == 0 {
				continue
			}
			o := first[p.hash]
			switch {
			case o == nil:
				first[p.hash] = p
			case len(views) == 1 || o.layer != p.layer:
				w.add(left4me.NewWarning(left4me.WarnDuplicate, p.path, "addon.duplicate", "other", o.path, "overlay", o.overlay(p)))
			}
		}
	}
	campaigns := map[string]mission{}
	for _, v := range views {
		packs := make(map[*pack]bool, len(v.packs))
		for _, p := range v.packs {
			packs[p] = true
		}
		for _, m := range v.missions {
			if m.pack != nil && !packs[m.pack] || m.ID == "" {
				continue // hidden by a layer above
			}
			id := strings.ToLower(m.ID)
			o, known := campaigns[id]
			switch {
			case !known:
				campaigns[id] = m
			case m.pack != nil && o.pack != nil && m.pack.hash == o.pack.hash: // reported as the same add-on
			case m.pack != nil && m.pack == o.pack: // twice in one add-on
			case m.pack == nil && v.Name == "", o.pack != nil && m.pack != nil && len(views) > 1 && o.pack.layer == m.pack.layer:
			default:
				where, other := m.Path, o.Path
				if m.pack != nil {
					where = m.pack.path
				}
				if o.pack != nil {
					other = o.pack.path
				}
				w.add(left4me.NewWarning(left4me.WarnDuplicate, where, "campaign.duplicate",
					"campaign", left4me.Clip(m.ID, maxListed), "other", other))
			}
		}
	}
}
