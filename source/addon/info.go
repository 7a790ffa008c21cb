package addon

import (
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/left4me/left4me/source/vdf"
	"github.com/left4me/left4me/source/vpk"
)

// Limits, in bytes.
const (
	maxLine = 200     // of titles and names
	maxText = 4 << 10 // of descriptions
	maxFile = 1 << 20 // as vdf reads
	prefix  = "addoncontent_"
)

// Apps that add-ons for Left 4 Dead 2 name: the game itself, and the first one, whose campaigns it can play.
const (
	Left4Dead2 = 550
	Left4Dead  = 500
)

// Info is what addoninfo.txt says. The game requires none of it on a server.
type Info struct {
	App         int // Steam's number of the game that it is for; 0 if it doesn't say
	Title       string
	Version     string
	Tagline     string
	Author      string
	URL         string
	Description string
	Content     []string // what is in it, in small letters and sorted: campaign, map, script, survivor, …
}

// ParseInfo reads an addoninfo.txt. Errors are of type *vdf.Error; what was read before is returned with them.
func ParseInfo(b []byte) (Info, error) {
	root, err := vdf.Parse(b, vdf.Options{})
	n := root.Get("AddonInfo")
	if n == nil && len(root.Children) > 0 && root.Children[0].Block {
		n = root.Children[0] // whatever its author called it
	}
	info := Info{
		Title: line(n.Text("addontitle")), Version: line(n.Text("addonversion")), Tagline: line(n.Text("addontagline")),
		Author: line(n.Text("addonauthor")), URL: line(n.Text("addonurl0")), Description: text(n.Text("addonDescription")),
	}
	info.App, _ = strconv.Atoi(strings.TrimSpace(n.Text("addonSteamAppID")))
	if n == nil {
		return info, err
	}
	for _, c := range n.Children {
		key := strings.ToLower(c.Key)
		if what, ok := strings.CutPrefix(key, prefix); ok && what != "" && len(what) <= 40 && len(info.Content) < 64 && on(c.Value) && !slices.Contains(info.Content, what) {
			info.Content = append(info.Content, what)
		}
	}
	slices.Sort(info.Content)
	return info, err
}

func on(value string) bool {
	v := strings.TrimSpace(value)
	return v != "" && v != "0"
}

// ReadInfo reads the addoninfo.txt of an archive. Errors: fs.ErrNotExist when it has none.
func ReadInfo(a *vpk.Archive) (Info, error) {
	e, ok := a.Find("addoninfo.txt")
	if !ok {
		return Info{}, &fs.PathError{Op: "open", Path: "addoninfo.txt", Err: fs.ErrNotExist}
	}
	b, err := read(a, e)
	if err != nil {
		return Info{}, err
	}
	return ParseInfo(b)
}

// read reads a small file of an archive.
func read(a *vpk.Archive, e vpk.Entry) ([]byte, error) {
	if e.Size > maxFile {
		return nil, &vdf.Error{File: e.Path, Line: 1, Text: strconv.FormatInt(e.Size, 10) + " bytes", Err: vdf.ErrTooLarge}
	}
	b := make([]byte, e.Size)
	if n, err := a.Reader(e).ReadAt(b, 0); int64(n) < e.Size {
		return nil, err
	}
	return b, nil
}

// line cuts a text that is shown on one line, text one of several.
func line(s string) string {
	return clip(strings.Join(strings.Fields(clip(s, 4*maxLine)), " "), maxLine)
}
func text(s string) string { return clip(strings.TrimSpace(s), maxText) }

// clip cuts between characters.
func clip(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return s[:most]
}
