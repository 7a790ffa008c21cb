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
	maxLine = 200     // titles and names
	maxText = 4 << 10 // descriptions
	maxFile = 1 << 20 // the limit of vdf
	prefix  = "addoncontent_"
)

// App IDs of add-ons for Left 4 Dead 2: the game itself, and Left 4 Dead, whose campaigns it can run.
const (
	Left4Dead2 = 550
	Left4Dead  = 500
)

// Info is the content of addoninfo.txt. The game requires none of the fields on a server.
type Info struct {
	App         int // Steam app ID of the game it is for; 0 if missing
	Title       string
	Version     string
	Tagline     string
	Author      string
	URL         string
	Description string
	Content     []string // content types, lower-case and sorted: campaign, map, script, survivor, …
}

// Decoder detects the encoding of a file that is neither UTF-8 nor UTF-16 and returns a function that
// decodes its values. Values may be cut within a character. Without a Decoder, values are decoded as
// Latin-1.
type Decoder func(file []byte) (value func([]byte) string)

// ParseInfo parses an addoninfo.txt as the game does. If its encoding prevents the game from reading
// it, ParseInfo decodes it as its author meant it. Anything that the game reads differently than the
// author probably meant is returned as a problem. d may be nil.
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
		n = root.Children[0] // accept any name of the root block
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

// unreadable reports whether the encoding of a file prevents the game from reading it.
func unreadable(problems []vdf.Problem) bool {
	return len(problems) > 0 && problems[0].Kind == vdf.Encoding
}

func on(value string) bool {
	v := strings.TrimSpace(value)
	return v != "" && v != "0"
}

// ReadInfo parses the addoninfo.txt of an archive; see ParseInfo. It returns fs.ErrNotExist if the
// archive has none.
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

// read reads a file of at most maxFile bytes from an archive.
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

// values decodes the values of one file. If decode is nil, values are UTF-8, or Latin-1 if they are not
// valid UTF-8.
type values struct{ decode func([]byte) string }

// of returns the decoder for the values of a file.
func (d Decoder) of(file []byte) values {
	if d == nil || utf8.Valid(file) {
		return values{}
	}
	return values{d(file)}
}

// line decodes and shortens a text that is shown on one line. text does the same for a text of several
// lines.
func (v values) line(s string) string {
	return clip(strings.Join(strings.Fields(v.decoded(clip(s, 4*maxLine))), " "), maxLine)
}
func (v values) text(s string) string { return clip(strings.TrimSpace(v.decoded(s)), maxText) }

// decoded converts the raw bytes of a value to UTF-8. A value that the game truncated may end within a
// character, which is removed.
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

// clip shortens s to at most most bytes without splitting a character.
func clip(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return s[:most]
}
