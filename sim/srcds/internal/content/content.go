// Package content finds the maps and missions of the simulated server, as files or in VPKs, in the
// directories that the engine searches.
//
// Like the engine on Linux, it uses only addons/*.vpk with a lower-case extension and no other dot in
// the name, and prefers the update and DLC directories to left4dead2. It ignores files that it cannot
// read.
package content

import (
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/left4me/left4me/source/vdf"
)

// searched lists the directories below the root of the game in order of precedence.
var searched = []string{"update", "left4dead2_dlc3", "left4dead2_dlc2", "left4dead2_dlc1", "left4dead2"}

// Chapter is a map of a mission.
type Chapter struct{ Map, Title string }

// Mission is a campaign.
type Mission struct {
	Name, Title string
	Modes       map[string][]Chapter
}

// Content is the result of a scan.
type Content struct {
	Maps     map[string]bool // lower-case names without maps/ and .bsp
	Missions []Mission
	Addons   []string // names of the loaded VPKs in addons/
	root     string
}

// Scan scans the directories of the game below root.
func Scan(root string) *Content {
	c := &Content{Maps: map[string]bool{}, root: root}
	for _, addon := range addonFiles(root) {
		if addon.enabled {
			c.Addons = append(c.Addons, addon.name)
			c.addPack(filepath.Join(root, "left4dead2", "addons", addon.name))
		}
	}
	for _, dir := range searched {
		for _, pattern := range []string{"maps/*.bsp", "missions/*.txt"} {
			files, _ := filepath.Glob(filepath.Join(escape(root), dir, pattern))
			for _, f := range files {
				c.addFile(path.Base(filepath.Dir(f))+"/"+filepath.Base(f), func() ([]byte, error) { return os.ReadFile(f) })
			}
		}
		c.addPack(filepath.Join(root, dir, "pak01_dir.vpk"))
	}
	return c
}

// escape escapes the characters of root that are special in a pattern.
func escape(root string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(root)
}

func (c *Content) addFile(name string, read func() ([]byte, error)) {
	name = strings.ToLower(name)
	switch {
	case path.Dir(name) == "maps" && path.Ext(name) == ".bsp":
		c.Maps[strings.TrimSuffix(path.Base(name), ".bsp")] = true
	case path.Dir(name) == "missions" && path.Ext(name) == ".txt":
		if text, err := read(); err == nil {
			c.addMissions(text)
		}
	}
}

func (c *Content) addPack(file string) {
	p, err := openPack(file)
	if err != nil {
		return
	}
	defer p.Close()
	for _, e := range p.entries {
		c.addFile(e.name, func() ([]byte, error) { return p.read(e) })
	}
}

func (c *Content) addMissions(text []byte) {
	root, _ := vdf.ParseGame(text, vdf.Options{})
	for m := range root.All("mission") {
		mission := Mission{Name: m.Text("Name"), Title: m.Text("DisplayTitle"), Modes: map[string][]Chapter{}}
		if mission.Name == "" || slices.ContainsFunc(c.Missions, func(o Mission) bool { return o.Name == mission.Name }) {
			continue
		}
		if modes := m.Get("modes"); modes != nil {
			for _, mode := range modes.Children {
				mission.Modes[strings.ToLower(mode.Key)] = chapters(mode)
			}
		}
		c.Missions = append(c.Missions, mission)
	}
}

// chapters returns the numbered blocks of a mode, sorted by number.
func chapters(mode *vdf.Node) []Chapter {
	type numbered struct {
		n int
		Chapter
	}
	var found []numbered
	for _, node := range mode.Children {
		if n, err := strconv.Atoi(node.Key); err == nil && node.Block {
			found = append(found, numbered{n, Chapter{strings.ToLower(node.Text("Map")), node.Text("DisplayName")}})
		}
	}
	slices.SortStableFunc(found, func(a, b numbered) int { return a.n - b.n })
	list := make([]Chapter, len(found))
	for i, f := range found {
		list[i] = f.Chapter
	}
	return list
}

// Next returns the chapter after a map in its campaign and mode, or the first chapter after the last.
// It returns the map itself if no mission contains it.
func (c *Content) Next(mode, current string) string {
	for _, m := range c.Missions {
		list := m.Modes[mode]
		if len(list) == 0 {
			list = m.Modes["coop"]
		}
		for i, ch := range list {
			if ch.Map == current {
				if next := list[(i+1)%len(list)].Map; c.Maps[next] {
					return next
				}
			}
		}
	}
	return current
}

// ReadFile reads a file of the game from the first directory that contains it. The name is relative to
// these directories; ReadFile returns [os.ErrNotExist] for a name outside of them.
func (c *Content) ReadFile(name string) ([]byte, error) {
	name = filepath.Clean(filepath.FromSlash(strings.ReplaceAll(name, `\`, "/")))
	if !filepath.IsLocal(name) {
		return nil, os.ErrNotExist
	}
	for _, dir := range searched {
		if text, err := os.ReadFile(filepath.Join(c.root, dir, name)); err == nil {
			return text, nil
		}
	}
	return nil, os.ErrNotExist
}
