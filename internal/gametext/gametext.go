// Package gametext finds text files that the game or SourceMod reads differently
// from what an editor shows, and repairs them.
//
// Neither program knows encodings; both process bytes. A byte order mark becomes part of the first
// command, UTF-16 ends at its first zero byte, and a typographic quotation mark is an ordinary
// letter. docs/texts.md lists the reader of each kind of file, with sources.
//
// All functions are pure, take time linear in the length of the text, and are safe for concurrent
// use. Callers must bound the length: see MaxText.
package gametext

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/left4me/left4me/internal/left4me"
)

// MaxText is the length in bytes above which callers skip a file. Longer files are data, and no
// reader in the game is known to accept them.
const MaxText = 1 << 20

// Reader is the parser that reads a file.
type Reader string

// The readers. Unread is for binary files and for texts that only people read.
const (
	Unread    Reader = ""
	Commands  Reader = "commands"  // the game's console, line by line
	Admins    Reader = "admins"    // SourceMod's admin-flatfile plugin, line by line
	Settings  Reader = "settings"  // SourceMod's parsers and its plugins
	KeyValues Reader = "keyvalues" // the game's KeyValues
	Script    Reader = "script"    // the game's Squirrel compiler
	Lines     Reader = "lines"     // other programs that read line by line
)

// adminsFile is the path of the file that Admins reads, relative to the game's directory.
const adminsFile = "addons/sourcemod/configs/admins_simple.ini"

// ReaderOf returns the reader of the file at a path in a layer, ignoring case.
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

// readerOfText distinguishes texts for the game from readmes and from resource/*.txt, which the
// game's client expects in UTF-16.
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

// The repairs. NoFix is for problems that need a human decision.
const (
	NoFix      Fix = ""
	Encoding   Fix = "encoding"   // save as UTF-8 without a byte order mark; the text stays the same
	Characters Fix = "characters" // replace look-alikes of quotation marks and blanks with ASCII
	Identities Fix = "identities" // convert Steam IDs to the form that SourceMod accepts
)

// Finding is a problem, possibly on several lines, that makes a reader understand a text
// differently from how it looks.
type Finding struct {
	Rows    []int          // line numbers from 1, ascending; none: the whole file
	Problem *left4me.Error // the problem and what to do about it, by a code
	Fix     Fix
}

// maxRows is the maximum number of line numbers that Lines returns.
const maxRows = 5

// Lines returns the numbers of the first lines as a list that ends with "…" if there are more; it is
// empty for the whole file.
func (f Finding) Lines() string {
	var rows []string
	for _, n := range f.Rows[:min(len(f.Rows), maxRows)] {
		rows = append(rows, strconv.Itoa(n))
	}
	if len(f.Rows) > maxRows {
		rows = append(rows, "…")
	}
	return strings.Join(rows, ", ")
}

// String returns the finding with its lines in English.
func (f Finding) String() string {
	switch len(f.Rows) {
	case 0:
		return f.Problem.Said()
	case 1:
		return "line " + f.Lines() + ": " + f.Problem.Said()
	}
	return "lines " + f.Lines() + ": " + f.Problem.Said()
}

// Check returns the problems of a text for its reader, at most one finding of each kind. A binary
// file has none.
func Check(r Reader, b []byte) []Finding {
	_, all := walk(r, b, nil)
	return all
}

// Repair applies the given fixes and returns the new text and the findings that it repaired.
// Without anything to repair it returns b itself and no finding. Line endings are unchanged. A
// second Repair with the same fixes finds nothing.
func Repair(r Reader, b []byte, fixes ...Fix) ([]byte, []Finding) {
	out, all := walk(r, b, fixes)
	all = slices.DeleteFunc(all, func(f Finding) bool { return f.Fix == NoFix || !slices.Contains(fixes, f.Fix) })
	if len(all) == 0 {
		return b, nil
	}
	return out, all
}

// Begins reports whether an encoding repair would change the text that begins with head, and why,
// unless the rest is damaged. head is the whole text or at least its first few hundred bytes.
func Begins(r Reader, head []byte) (why *left4me.Error, ok bool) {
	if r == Unread {
		return nil, false
	}
	_, form := decode(head)
	if form == damagedUTF16 {
		_, form = decode(uncut(head))
	}
	f, ok := form.finding(r)
	return f.Problem, ok && f.Fix == Encoding
}

// walk checks a text, each time after the previous repair, and returns the findings and the text
// with the requested fixes applied.
func walk(r Reader, b []byte, fixes []Fix) (out []byte, all []Finding) {
	if r == Unread {
		return b, nil
	}
	plain, form := decode(b)
	if strings.ContainsRune(plain, 0) {
		return b, nil // a binary file
	}
	if f, ok := form.finding(r); ok {
		all = append(all, f)
	}
	switch {
	case form == damagedUTF16:
		return b, all
	case form != utf8Plain && !slices.Contains(fixes, Encoding) && slices.ContainsFunc(fixes, func(f Fix) bool { return f != Encoding }):
		return b, all // the other repairs need UTF-8
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
