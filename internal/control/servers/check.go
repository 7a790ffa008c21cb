package servers

import (
	"strings"
	"unicode/utf8"

	"github.com/left4me/left4me/internal/left4me"
)

// Limits of a server's definition.
const (
	MinPort    = 1024
	MaxPort    = 65535
	maxCfgLine = left4me.MaxCfgLine
)

// reserved lists arguments that left4me must set itself: they change the port or directory, or make
// srcds_run start another program.
var reserved = []string{
	"-game", "-ip", "+ip", "-port", "+hostport", "-fork",
	"-autoupdate", "-binary", "-debuglog", "-gdb", "-ignoresigint", "-notrap", "-pidfile", "-steam_dir", "-steamcmd_script",
}

// Check validates a definition and reports all invalid fields at once. Errors: left4me.Fields of
// left4me.Invalid.
func Check(v left4me.Server) error {
	var f fields
	f.serverName(v.Name)
	f.name("host", v.Host)
	f.name("blueprint", v.Blueprint)
	if v.Port != 0 && (v.Port < MinPort || v.Port > MaxPort) {
		f.add("port", left4me.NewError(left4me.Invalid, "port.out_of_bounds", "port", v.Port, "low", MinPort, "high", MaxPort))
	}
	if v.Autostart != "" && !v.Autostart.Valid() {
		f.add("autostart", left4me.NewError(left4me.Invalid, "autostart.invalid", "value", v.Autostart))
	}
	f.settings(v.Settings)
	return f.err()
}

// CheckSettings validates settings. Errors: left4me.Fields of left4me.Invalid.
func CheckSettings(v left4me.Settings) error {
	var f fields
	f.settings(v)
	return f.err()
}

// CheckCommand checks that a console command is one line of text. Errors: left4me.Invalid for the
// field "command".
func CheckCommand(command string) error {
	var f fields
	if strings.TrimSpace(command) == "" {
		f.add("command", left4me.NewError(left4me.Invalid, "command.empty"))
	}
	f.line("command", command, maxCfgLine)
	return f.err()
}

type fields left4me.Fields

func (f *fields) add(field string, e *left4me.Error) { *f = append(*f, e.InField(field)) }

func (f *fields) err() error {
	if len(*f) == 0 {
		return nil
	}
	return left4me.Fields(*f)
}

func (f *fields) name(field string, n left4me.Name) {
	if n == "" {
		f.add(field, left4me.NewError(left4me.Invalid, "field.missing", "field", field))
	} else if _, err := left4me.ParseName(string(n)); err != nil {
		e, _ := left4me.Public(err)
		f.add(field, e)
	}
}

// serverName checks the name of a server.
func (f *fields) serverName(n left4me.Name) {
	f.name("name", n)
	if n == left4me.InstallInstance {
		f.add("name", left4me.NewError(left4me.Invalid, "server.name_of_install", "name", n))
	}
	if n.Kept() {
		f.add("name", left4me.NewError(left4me.Invalid, "server.name_of_deleted", "name", n))
	}
}

// line checks text that becomes one line of a file or of console input.
func (f *fields) line(field, s string, most int) {
	switch {
	case len(s) > most:
		f.add(field, left4me.NewError(left4me.Invalid, "field.too_many_bytes", "count", len(s), "limit", most))
	case !utf8.ValidString(s):
		f.add(field, left4me.NewError(left4me.Invalid, "field.not_utf8"))
	case strings.ContainsFunc(s, control):
		f.add(field, left4me.NewError(left4me.Invalid, "field.control_character_in_line"))
	}
}

func control(r rune) bool { return r < 0x20 || r >= 0x7f && r < 0xa0 || r == '\u2028' || r == '\u2029' }

// word checks a value that appears unquoted in a cfg line or on a command line.
func (f *fields) word(field, s string) {
	for i := range len(s) {
		c := s[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-' && i > 0 || c == '.' && i > 0 {
			continue
		}
		f.add(field, left4me.NewError(left4me.Invalid, "field.no_word", "value", s))
		return
	}
	if len(s) > 64 {
		f.add(field, left4me.NewError(left4me.Invalid, "field.word_too_long"))
	}
}
