package addon

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/left4me/left4me/source/vdf"
	"github.com/left4me/left4me/source/vpk"
)

// Limits of a mission. The longest campaigns have about forty chapters, most have two to five.
const (
	MaxModes    = 64
	MaxChapters = 200 // chapters per mode
)

var (
	// ErrTooMany is returned for a mission with too many modes or chapters, together with those up to
	// the limit.
	ErrTooMany = errors.New("too many modes or chapters")
	// ErrNoMission is returned for a file that contains no mission.
	ErrNoMission = errors.New("no mission in it")
)

// Mission is a campaign.
type Mission struct {
	ID          string // the mission's Name: ASCII, used to find games; must be unique among campaigns
	Title       string // DisplayTitle; may be a token of the game's language files: "#…"
	Author      string
	Version     string
	Website     string
	Description string
	Image       string // path in the archive, without extension
	Modes       []Mode // modes in the order of the file

	// Hidden lists the maps named by a mission whose encoding prevents the game from reading it. All
	// other fields are then empty.
	Hidden []string
}

// Mode is a game mode of a campaign.
type Mode struct {
	Name     string // lower-case: coop, versus, mutation4, …
	Chapters []Chapter
}

// Chapter is one map of a campaign.
type Chapter struct {
	Number int
	Map    string // lower-case, without "maps/" and ".bsp", as the map and changelevel commands expect it
	Title  string
	Image  string
	Line   int // line in the file
}

// ParseMission parses a mission file as the game does. Chapters are sorted by number; of chapters with
// the same number the first is used. A chapter without a number, or without a map that a console
// command could name, is omitted. Anything that the game reads differently than the author probably
// meant is returned as a problem if it affects the mission. d may be nil. ParseMission returns
// ErrTooMany or ErrNoMission together with the parts that it could read.
func ParseMission(b []byte, d Decoder) (Mission, []vdf.Problem, error) {
	root, problems := vdf.ParseGame(b, vdf.Options{})
	if unreadable(problems) {
		root, _ = vdf.ParseGame([]byte(vdf.Decode(b)), vdf.Options{})
		meant, err := values{}.missionOf(root)
		var hidden []string
		for _, mode := range meant.Modes {
			for _, c := range mode.Chapters {
				hidden = append(hidden, c.Map)
			}
		}
		return Mission{Hidden: hidden}, problems, err
	}
	problems = slices.DeleteFunc(problems, func(p vdf.Problem) bool { return p.Kind == vdf.LineBreak && isDescription(root, p.Line) })
	m, err := d.of(b).missionOf(root)
	return m, problems, err
}

// isDescription reports whether each multi-line text on the given line is a description, where line
// breaks are expected.
func isDescription(n *vdf.Node, line int) bool {
	for _, c := range n.Children {
		if c.Block && !isDescription(c, line) ||
			c.Line == line && strings.Contains(c.Value, "\n") && !strings.EqualFold(c.Key, "Description") {
			return false
		}
	}
	return true
}

// missionOf finds the mission in a parsed file.
func (v values) missionOf(root *vdf.Node) (Mission, error) {
	var n *vdf.Node
	for c := range root.All("mission") {
		if n = c; len(c.Children) > 0 {
			break
		}
	}
	if n == nil {
		for _, c := range root.Children {
			if c.Get("modes") != nil {
				n = c
				break
			}
		}
	}
	if n == nil || len(n.Children) == 0 {
		return Mission{}, ErrNoMission
	}
	m := Mission{
		ID: v.line(n.Text("Name")), Title: v.line(n.Text("DisplayTitle")), Author: v.line(n.Text("Author")),
		Version: v.line(n.Text("Version")),
		Website: v.line(n.Text("Website")), Description: v.text(n.Text("Description")), Image: v.image(n.Text("Image")),
	}
	var most error
	for _, c := range children(n.Get("modes")) {
		name := strings.ToLower(v.line(c.Key))
		if !c.Block || name == "" || slices.ContainsFunc(m.Modes, func(o Mode) bool { return o.Name == name }) {
			continue
		}
		if len(m.Modes) == MaxModes {
			most = fmt.Errorf("line %d: more than %d modes: %w", c.Line, MaxModes, ErrTooMany)
			break
		}
		chapters, more := v.chaptersOf(c)
		if more != nil && most == nil {
			most = more
		}
		if len(chapters) > 0 {
			m.Modes = append(m.Modes, Mode{name, chapters})
		}
	}
	return m, most
}

func children(n *vdf.Node) []*vdf.Node {
	if n == nil {
		return nil
	}
	return n.Children
}

func (v values) chaptersOf(mode *vdf.Node) (all []Chapter, err error) {
	seen := map[int]bool{}
	for _, c := range mode.Children {
		number, bad := strconv.Atoi(strings.TrimSpace(c.Key))
		name := mapName(c.Text("Map"))
		if bad != nil || number < 0 || name == "" || seen[number] {
			continue
		}
		if len(all) == MaxChapters {
			err = fmt.Errorf("line %d: more than %d chapters: %w", c.Line, MaxChapters, ErrTooMany)
			break
		}
		seen[number] = true
		all = append(all,
			Chapter{Number: number, Map: name, Title: v.line(c.Text("DisplayName")), Image: v.image(c.Text("Image")), Line: c.Line})
	}
	slices.SortStableFunc(all, func(a, b Chapter) int { return a.Number - b.Number })
	return all, err
}

// mapName returns the name of a map as console commands expect it, or "" if a command cannot name the
// map.
func mapName(s string) string {
	s = strings.ToLower(strings.TrimSpace(strings.ReplaceAll(s, `\`, "/")))
	s = strings.TrimSuffix(strings.TrimPrefix(s, "maps/"), ".bsp")
	if !MapName(s) {
		return ""
	}
	return s
}

// MapName reports whether a console command can name the map s: letters, digits, _ - . + and /, without
// "..".
func MapName(s string) bool {
	if s == "" || len(s) > 120 || strings.Contains(s, "..") || s[0] == '/' || s[0] == '-' || s[0] == '+' {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return false
		}
		return !strings.ContainsRune("_-.+/", r)
	})
}

// image returns the path of an image in lower case with forward slashes, as archives store it.
func (v values) image(s string) string {
	s = strings.ToLower(strings.Trim(strings.ReplaceAll(v.line(s), `\`, "/"), "/ "))
	if s == "" || path.Clean(s) != s {
		return ""
	}
	return s
}

// MissionFile is a mission and the file that contains it.
type MissionFile struct {
	Mission
	Path     string
	Problems []vdf.Problem // places that the game reads differently than the author meant
	Err      error         // why all or part of the mission is missing: an error of ParseMission or of reading the file
}

// MaxMissions is the number of mission files that are read from an archive.
const MaxMissions = 100

// ReadMissions reads at most MaxMissions missions of an archive, in the order of its directory. d may
// be nil.
func ReadMissions(a *vpk.Archive, d Decoder) (all []MissionFile) {
	for _, e := range a.Entries() {
		name := strings.ToLower(e.Path)
		if path.Dir(name) != "missions" || path.Ext(name) != ".txt" || len(all) == MaxMissions {
			continue
		}
		f := MissionFile{Path: e.Path}
		b, err := read(a, e)
		if err == nil {
			f.Mission, f.Problems, err = ParseMission(b, d)
		}
		f.Err = err
		all = append(all, f)
	}
	return all
}
