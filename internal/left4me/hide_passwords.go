package left4me

import (
	"slices"
	"strings"
)

// hidden replaces a password in displayed text.
const hidden = `"(hidden)"`

// HidePasswords masks the passwords in the text of a cfg file. It masks everything from the name of
// a password variable to the end of the command, because the game uses all of it as the value, no
// matter where in the command the name is (sm_cvar sv_password x, alias p "sv_password x"). It
// masks comments, too.
func HidePasswords(cfg string) string {
	return mask(cfg, false, func(string, string) string { return hidden })
}

// HideSecrets masks the passwords in text that is not a cfg file, such as the output of a console,
// a log or a job, where commands and values may be quoted twice. It masks everything from the name
// of a password variable to the end of the line.
func HideSecrets(text string) string {
	return mask(text, true, func(string, string) string { return hidden })
}

// HideBoth masks the passwords in two versions of a file. The mask of a password that differs says
// so, except for the remote console's password, which left4me sets itself.
func HideBoth(running, next string) (was, will string) {
	if was, will := values(running), values(next); was == "" || will == "" || was == will {
		return HidePasswords(running), HidePasswords(next)
	}
	return HidePasswords(running), mask(next, false, func(name, _ string) string {
		if remote(name) {
			return hidden
		}
		return `"(hidden, another one)"`
	})
}

// values returns the names and values of all passwords in text, except for those of the remote
// console. Quotation marks around a value are ignored.
func values(text string) string {
	var b strings.Builder
	mask(text, false, func(name, value string) string {
		if !remote(name) {
			b.WriteString(name + " " + strings.Trim(value, `"`) + "\n")
		}
		return ""
	})
	return b.String()
}

func remote(name string) bool { return strings.HasPrefix(name, "rcon") }

// mask replaces each password in text. If whole is true, text is not a cfg file.
func mask(text string, whole bool, replace func(name, value string) string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		rest, end := strings.CutSuffix(line, "\n")
		maskLine(&b, rest, whole, replace)
		if end {
			b.WriteByte('\n')
		}
	}
	return b.String()
}

func maskLine(b *strings.Builder, line string, whole bool, replace func(name, value string) string) {
	done := 0 // offset of the text that was not copied yet
	for p := range cfgLine(line) {
		end := p.end
		if whole {
			end = len(line)
		}
		name, at, inside := secretIn(line[p.start:end])
		if name == "" {
			continue
		}
		at += p.start
		// If a comment directly follows the value, its author meant it to be part of the password.
		if strings.HasPrefix(line[end:], "//") && !isBlank(line[end-1]) && line[end-1] != '"' {
			end = len(line)
		}
		value := strings.TrimRight(line[at:end], " \t\r\v\f")
		shown := replace(name, value)
		if inside { // a command in quotes: keep the quotes around it
			shown = strings.Trim(shown, `"`) + strings.Repeat(`"`, strings.Count(value, `"`)%2)
		}
		b.WriteString(line[done:at] + shown)
		done = at + len(value)
		if end == len(line) {
			break
		}
	}
	b.WriteString(line[done:])
}

// secretIn returns the first password variable in a command, in lower case, the offset of its
// value, and whether the value is inside quotation marks that were opened before the name. It
// returns an empty name if no value follows.
func secretIn(command string) (name string, value int, inside bool) {
	quoted := false
	for i := 0; i < len(command); {
		if !inName(command[i]) {
			if command[i] == '"' {
				quoted = !quoted
			}
			i++
			continue
		}
		start := i
		for i < len(command) && inName(command[i]) {
			i++
		}
		first := strings.Trim(command[:start], " \t\r\v\f\"+-") == ""
		if name := strings.ToLower(command[start:i]); isSecret(name, first) {
			value := i
			if quoted && value < len(command) && command[value] == '"' {
				value, quoted = value+1, false // the quotation mark ends the name
			}
			// Consoles print "name" = "value", and people write name=value.
			for value < len(command) && (isBlank(command[value]) || command[value] == '=' || command[value] == ':') {
				value++
			}
			if value < len(command) {
				return name, value, quoted
			}
		}
	}
	return "", 0, false
}

// inName reports whether c may be part of a variable's name.
func inName(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// secrets lists suffixes of variables with secret values, of the game (sv_password, rcon_password,
// tv_password, tv_relaypassword, sv_logsecret, sv_setsteamaccount, -netconpassword) and of plugins.
var secrets = []string{"password", "passwd", "_pass", "secret", "_token", "apikey", "api_key", "steamaccount"}

// isSecret reports whether name, in lower case, is a password variable. The variable password of
// the game's clients counts only at the beginning of a command: elsewhere it is an ordinary word.
func isSecret(name string, first bool) bool {
	if name == "password" {
		return first
	}
	for _, s := range secrets {
		if strings.HasSuffix(name, s) {
			return len(name) > len(s) || s != "secret"
		}
	}
	return false
}

// Public returns s without passwords, for users who may not change anything.
func (s Settings) Public() Settings {
	s.Password = ""
	s.Cfg = hideEach(s.Cfg)
	s.Args = hideArgs(s.Args)
	return s
}

// WithoutPasswords returns s without its password, and without the cfg lines and arguments that set
// one, for a copy of a server. It reports whether s has any.
func (s Settings) WithoutPasswords() (Settings, bool) {
	had := s.Password != ""
	s.Password = ""
	cfg := slices.DeleteFunc(slices.Clone(s.Cfg), func(line string) bool { return HidePasswords(line) != line })
	var args []string
	open := false // the preceding option is a password
	for _, a := range s.Args {
		if open && !isOption(a) {
			continue
		}
		name, _, _ := secretIn(a + " x")
		if open = name != ""; !open {
			args = append(args, a)
		}
	}
	had = had || len(cfg) != len(s.Cfg) || len(args) != len(s.Args)
	s.Cfg, s.Args = cfg, args
	return s, had
}

// Public returns o without passwords in its cfg lines and its script, for users who may not change
// anything.
func (o Overlay) Public() Overlay {
	o.Cfg = hideEach(o.Cfg)
	if o.Script != nil { // a script may write a cfg file or sign in to a service
		s := *o.Script
		s.Text = HideSecrets(s.Text)
		o.Script = &s
	}
	return o
}

// Public returns j without passwords in its log, notes, warnings and error, for users who may not
// change anything.
func (j Job) Public() Job {
	j.Log = HideLines(j.Log)
	j.Steps = slices.Clone(j.Steps)
	for i := range j.Steps {
		s := &j.Steps[i]
		s.Note, s.Warning = HideSecrets(s.Note), HideSecrets(s.Warning)
		s.Notes, s.Warnings = s.Notes.Each(Note.hideSecrets), s.Warnings.Each(Note.hideSecrets)
	}
	if j.Error != nil {
		j.Error = j.Error.hideSecrets()
	}
	return j
}

// hideSecrets returns a copy of e without passwords. If the texts or an argument contain one, the
// copy has only a masked Text and no arguments, because the name of a variable and its value may be
// two arguments.
func (e *Error) hideSecrets() *Error {
	c := *e
	c.Text, c.Hint = HideSecrets(e.Text), HideSecrets(e.Hint)
	text, hint := e.Render()
	if c.Text != e.Text || c.Hint != e.Hint || HideSecrets(text) != text || HideSecrets(hint) != hint || e.Args.haveSecrets() {
		c.Code, c.Args = "", nil
	}
	return &c
}

// HideLines applies HideSecrets to each line and returns the result as a new slice.
func HideLines(lines []string) []string {
	out := slices.Clone(lines)
	for i, l := range out {
		out[i] = HideSecrets(l)
	}
	return out
}

func hideEach(lines []string) []string {
	if lines == nil {
		return nil
	}
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = HidePasswords(l)
	}
	return out
}

// hideArgs also masks values in separate arguments: the game joins its arguments, and each value
// belongs to the option before it.
func hideArgs(args []string) []string {
	out := hideEach(args)
	open := false // the preceding option is a password
	for i, a := range args {
		if open && !isOption(a) {
			out[i] = "(hidden)"
			continue
		}
		name, _, _ := secretIn(a + " x")
		open = name != ""
	}
	return out
}

// isOption reports whether an argument starts an option and is not a negative number.
func isOption(a string) bool {
	return len(a) > 1 && (a[0] == '+' || a[0] == '-' && (a[1] < '0' || a[1] > '9'))
}
