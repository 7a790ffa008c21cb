// Package gametext finds text files that the game or SourceMod reads differently
// from what an editor shows, and repairs them.
//
// Neither reader knows encodings: both take bytes. A byte order mark becomes part
// of the first command, UTF-16 ends at its first zero byte, a typographic quotation
// mark is an ordinary letter. docs/texts.md lists who reads which file, with the
// sources.
//
// All functions are pure, take time linear in the length of the text, and may be
// called from several goroutines. Their callers bound the length: see MaxText.
package gametext

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
)

// MaxText is the length in bytes above which callers leave a file alone. Longer
// ones are data, and no reader of the game is known to take them.
const MaxText = 1 << 20

// Reader is the parser that reads a file.
type Reader string

// The readers. Unread is for files that are no text, or text for people only.
const (
	Unread    Reader = ""
	Commands  Reader = "commands"  // the game's console, line by line
	Admins    Reader = "admins"    // SourceMod's admin-flatfile plugin, line by line
	Settings  Reader = "settings"  // SourceMod's parsers and its plugins
	KeyValues Reader = "keyvalues" // the game's KeyValues
	Script    Reader = "script"    // the game's Squirrel compiler
	Lines     Reader = "lines"     // other files that are read line by line
)

// adminsFile is the list that Admins reads, beneath the directory of a game.
const adminsFile = "addons/sourcemod/configs/admins_simple.ini"

// ReaderOf returns the reader of the file at a path in a layer, in any case.
func ReaderOf(name string) Reader {
	game, rest, ok := strings.Cut(strings.ToLower(name), "/")
	if !ok || game != "update" && !strings.HasPrefix(game, "left4dead2") {
		return Unread
	}
	top, _, deep := strings.Cut(rest, "/")
	if !deep {
		top = ""
	}
	inSourceMod := strings.HasPrefix(rest, "addons/sourcemod/")
	switch path.Ext(rest) {
	case ".cfg":
		switch {
		case strings.Contains(rest, "stripper/"), top == "addons":
			return Settings
		case top == "cfg":
			return Commands
		}
	case ".ini":
		switch {
		case rest == adminsFile:
			return Admins
		case top == "addons":
			return Settings
		}
	case ".vdf", ".res":
		return KeyValues
	case ".nut":
		if strings.HasPrefix(rest, "scripts/vscripts/") {
			return Script
		}
	case ".txt":
		return readerOfText(rest, top, inSourceMod)
	}
	return Unread
}

// readerOfText tells texts for the game from readmes and from resource/*.txt,
// which the game's client wants as UTF-16.
func readerOfText(rest, top string, inSourceMod bool) Reader {
	switch {
	case inSourceMod:
		for _, dir := range []string{"configs/", "data/", "gamedata/", "translations/"} {
			if strings.HasPrefix(strings.TrimPrefix(rest, "addons/sourcemod/"), dir) {
				return Settings
			}
		}
	case top == "missions", top == "modes", top == "scripts", rest == "gameinfo.txt", rest == "addonlist.txt":
		return KeyValues
	case top == "cfg", top == "ems":
		return Lines
	case slices.Contains([]string{"motd.txt", "host.txt", "mapcycle.txt", "maplist.txt"}, rest):
		return Lines
	}
	return Unread
}

// Fix is a kind of repair.
type Fix string

// The repairs. NoFix is for what only people can decide.
const (
	NoFix      Fix = ""
	Encoding   Fix = "encoding"   // saved as UTF-8 without a byte order mark: the same text for people
	Characters Fix = "characters" // look-alikes of quotation marks and blanks become the real ones
	Identities Fix = "identities" // other forms of a Steam ID become the one that SourceMod reads
)

// Finding is a place, or several of one kind, where a reader sees something else
// than people do.
type Finding struct {
	Rows []int // numbers of lines from 1, in order; none: the whole file
	Text string
	Hint string
	Fix  Fix
}

// maxRows is how many lines a finding names.
const maxRows = 5

// String is the finding with its lines.
func (f Finding) String() string {
	if len(f.Rows) == 0 {
		return f.Text
	}
	noun := "line "
	if len(f.Rows) > 1 {
		noun = "lines "
	}
	var rows []string
	for _, n := range f.Rows[:min(len(f.Rows), maxRows)] {
		rows = append(rows, strconv.Itoa(n))
	}
	all := strings.Join(rows, ", ")
	if more := len(f.Rows) - maxRows; more > 0 {
		all += fmt.Sprintf(" and %d more", more)
	}
	return noun + all + ": " + f.Text
}

// Check returns what is wrong with a text for its reader, at most one finding of a
// kind. A file that is no text has none.
func Check(r Reader, b []byte) []Finding {
	_, all := walk(r, b, nil)
	return all
}

// Repair makes some repairs and returns the text with what was done: nothing, and
// b itself, when there was nothing to do. Line ends stay as they are. A repaired
// text needs no repair of these kinds any more.
func Repair(r Reader, b []byte, fixes ...Fix) ([]byte, []Finding) {
	out, all := walk(r, b, fixes)
	all = slices.DeleteFunc(all, func(f Finding) bool { return f.Fix == NoFix || !slices.Contains(fixes, f.Fix) })
	if len(all) == 0 {
		return b, nil
	}
	return out, all
}

// Begins reports whether a text that begins so is one that a repair of its encoding
// changes, unless it is damaged further behind, and why. head is the whole text or
// at least some hundred bytes of it.
func Begins(r Reader, head []byte) (why string, ok bool) {
	if r == Unread {
		return "", false
	}
	_, form := decode(head)
	if form == damagedUTF16 {
		_, form = decode(uncut(head))
	}
	f, ok := form.finding(r)
	return f.Text, ok && f.Fix == Encoding
}

// walk looks at a text as it is after each repair, and returns it with those that
// are wanted.
func walk(r Reader, b []byte, fixes []Fix) (out []byte, all []Finding) {
	if r == Unread {
		return b, nil
	}
	plain, form := decode(b)
	if strings.ContainsRune(plain, 0) {
		return b, nil // no text
	}
	if f, ok := form.finding(r); ok {
		all = append(all, f)
	}
	switch {
	case form == damagedUTF16:
		return b, all
	case form != utf8Plain && !slices.Contains(fixes, Encoding) && slices.ContainsFunc(fixes, func(f Fix) bool { return f != Encoding }):
		return b, all // the other repairs are of UTF-8
	}
	text := plain
	if form == utf8Plain || slices.Contains(fixes, Encoding) {
		out = []byte(text)
	} else {
		out = b
	}
	for _, look := range []struct {
		fix Fix
		f   func(Reader, string) (string, []Finding)
	}{{Characters, characters}, {Identities, identities}} {
		fixed, found := look.f(r, text)
		all = append(all, found...)
		text = fixed
		if slices.Contains(fixes, look.fix) {
			out = []byte(fixed)
		}
	}
	return out, append(all, tooLong(r, text)...)
}
