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

// Decoder finds out which encoding a file is in that is neither UTF-8 nor UTF-16, and returns what decodes a value of it.
// Values may be cut within a character. Without a Decoder, values are Latin-1.
type Decoder func(file []byte) (value func([]byte) string)

// ParseInfo reads an addoninfo.txt as the game does, or as its author meant it if the game can't because of its encoding.
// What the game reads otherwise than it was meant comes back as problems. d may be nil.
func ParseInfo(b []byte, d Decoder) (Info, []vdf.Problem) {
	root, problems := vdf.ParseGame(b, vdf.Options{})
	v := values{}
	if unreadable(problems) {
		root, _ = vdf.ParseGame([]byte(vdf.Decode(b)), vdf.Options{})
	} else {
		v = d.of(b)
	}
	problems = slices.DeleteFunc(problems, func(p vdf.Problem) bool {
		return p.Kind == vdf.Unclosed || p.Kind == vdf.LineBreak // common, and nothing is lost
	})
	n := root.Get("AddonInfo")
	if n == nil && len(root.Children) > 0 {
		n = root.Children[0] // whatever its author called it
	}
	info := Info{
		Title: v.line(n.Text("addontitle")), Version: v.line(n.Text("addonversion")), Tagline: v.line(n.Text("addontagline")),
		Author: v.line(n.Text("addonauthor")), URL: v.line(n.Text("addonurl0")), Description: v.text(n.Text("addonDescription")),
	}
	info.App, _ = strconv.Atoi(strings.TrimSpace(n.Text("addonSteamAppID")))
	if n == nil {
		return info, problems
	}
	for _, c := range n.Children {
		key := strings.ToLower(c.Key)
		if what, ok := strings.CutPrefix(key, prefix); ok && what != "" && len(what) <= 40 && len(info.Content) < 64 && on(c.Value) &&
			!slices.Contains(info.Content, what) {
			info.Content = append(info.Content, what)
		}
	}
	slices.Sort(info.Content)
	return info, problems
}

// unreadable reports whether the game finds nothing in a file because of its encoding.
func unreadable(problems []vdf.Problem) bool {
	return len(problems) > 0 && problems[0].Kind == vdf.Encoding
}

func on(value string) bool {
	v := strings.TrimSpace(value)
	return v != "" && v != "0"
}

// ReadInfo reads the addoninfo.txt of an archive; see ParseInfo. Errors: fs.ErrNotExist when it has none.
func ReadInfo(a *vpk.Archive, d Decoder) (Info, []vdf.Problem, error) {
	e, ok := a.Find("addoninfo.txt")
	if !ok {
		return Info{}, nil, &fs.PathError{Op: "open", Path: "addoninfo.txt", Err: fs.ErrNotExist}
	}
	b, err := read(a, e)
	if err != nil {
		return Info{}, nil, err
	}
	info, problems := ParseInfo(b, d)
	return info, problems, nil
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

// values reads values of one file. Without decode they are UTF-8, or else Latin-1.
type values struct{ decode func([]byte) string }

// of is what reads the values of a file.
func (d Decoder) of(file []byte) values {
	if d == nil || utf8.Valid(file) {
		return values{}
	}
	return values{d(file)}
}

// line cuts a text that is shown on one line, text one of several.
func (v values) line(s string) string {
	return clip(strings.Join(strings.Fields(v.decoded(clip(s, 4*maxLine))), " "), maxLine)
}
func (v values) text(s string) string { return clip(strings.TrimSpace(v.decoded(s)), maxText) }

// decoded makes UTF-8 of a value, which comes as the bytes of the file. Where the game cut it, a part of a character may
// stand at the end.
func (v values) decoded(s string) string {
	if len(s) == vdf.MaxToken {
		for n := range utf8.UTFMax {
			if utf8.ValidString(s[:len(s)-n]) {
				return s[:len(s)-n]
			}
		}
	}
	if v.decode != nil && !utf8.ValidString(s) {
		return v.decode([]byte(s))
	}
	return vdf.Decode([]byte(s))
}

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
