package servers

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/left4me/left4me/internal/left4me"
)

// Bounds of a server's definition.
const (
	MinPort    = 1024
	MaxPort    = 65535
	maxCfgLine = left4me.MaxCfgLine
)

// reserved are arguments that would take a server away from left4me: to another
// port or directory, or, by srcds_run, to another program.
var reserved = []string{
	"-game", "-ip", "+ip", "-port", "+hostport", "-fork",
	"-autoupdate", "-binary", "-debuglog", "-gdb", "-ignoresigint", "-notrap", "-pidfile", "-steam_dir", "-steamcmd_script",
}

// Check says what is wrong with a definition: every field at once. Errors:
// left4me.Fields of left4me.Invalid.
func Check(v left4me.Server) error {
	var f fields
	f.name("name", v.Name)
	if v.Name == left4me.InstallInstance {
		f.add("name", fmt.Sprintf("%s is what the game is installed through", v.Name), "choose another name")
	}
	f.name("host", v.Host)
	f.name("blueprint", v.Blueprint)
	if v.Port != 0 && (v.Port < MinPort || v.Port > MaxPort) {
		f.add("port", fmt.Sprintf("port %d is out of range", v.Port),
			fmt.Sprintf("use %d to %d, or none for the next free one", MinPort, MaxPort))
	}
	if v.Autostart != "" && !v.Autostart.Valid() {
		f.add("autostart", fmt.Sprintf("%q is no autostart", string(v.Autostart)), "use last, always or never")
	}
	f.settings(v.Settings)
	return f.err()
}

// CheckSettings says what is wrong with settings. Errors: left4me.Fields of
// left4me.Invalid.
func CheckSettings(v left4me.Settings) error {
	var f fields
	f.settings(v)
	return f.err()
}

// CheckCommand says whether a console command can be sent: one line of text.
// Errors: left4me.Invalid for the field "command".
func CheckCommand(command string) error {
	var f fields
	if strings.TrimSpace(command) == "" {
		f.add("command", "the command is empty", "")
	}
	f.line("command", command, maxCfgLine)
	return f.err()
}

type fields left4me.Fields

func (f *fields) add(field, text, hint string) {
	*f = append(*f, &left4me.Error{Kind: left4me.Invalid, Field: field, Text: text, Hint: hint})
}

func (f *fields) err() error {
	if len(*f) == 0 {
		return nil
	}
	return left4me.Fields(*f)
}

func (f *fields) name(field string, n left4me.Name) {
	if n == "" {
		f.add(field, field+" is missing", "")
	} else if _, err := left4me.ParseName(string(n)); err != nil {
		e, _ := left4me.Public(err)
		f.add(field, e.Text, e.Hint)
	}
}

// line checks text that becomes one line of a file or a console.
func (f *fields) line(field, s string, most int) {
	switch {
	case len(s) > most:
		f.add(field, fmt.Sprintf("%d bytes are too many", len(s)), fmt.Sprintf("use at most %d", most))
	case !utf8.ValidString(s):
		f.add(field, "it is not UTF-8 text", "")
	case strings.ContainsFunc(s, control):
		f.add(field, "it holds a control character", "use one line of plain text")
	}
}

func control(r rune) bool { return r < 0x20 || r >= 0x7f && r < 0xa0 || r == '\u2028' || r == '\u2029' }

// word checks a value that stands in a cfg line or on a command line without
// quotes.
func (f *fields) word(field, s string) {
	for i := range len(s) {
		c := s[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-' && i > 0 || c == '.' && i > 0 {
			continue
		}
		f.add(field, fmt.Sprintf("%q is not a word", s), "use letters, digits, _ and -")
		return
	}
	if len(s) > 64 {
		f.add(field, "it is too long", "use at most 64 bytes")
	}
}
