package left4me

import (
	"slices"
	"strings"
)

// hidden is what is shown of a password.
const hidden = `"(hidden)"`

// HidePasswords masks the passwords in the text of a cfg file: whatever follows the
// name of one up to the end of its command, since the game takes all of that for
// the value, wherever in the command the name stands (sm_cvar sv_password x,
// alias p "sv_password x"). What is commented out is masked, too.
func HidePasswords(cfg string) string {
	return mask(cfg, false, func(string, string) string { return hidden })
}

// HideSecrets masks the passwords in text that isn't a cfg file: what a console, a
// log or a job printed, in which commands and values are quoted in quotes.
// Whatever follows the name of a password up to the end of its line is masked.
func HideSecrets(text string) string {
	return mask(text, true, func(string, string) string { return hidden })
}

// HideBoth masks the passwords in two texts of the same file. One that changes
// says so, except that of the remote console, which never does.
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

// values are the passwords of a text but those of the remote console. Quotation
// marks around one make no other of it.
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

// mask replaces each password in text. whole is for text that isn't a cfg file.
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
	done := 0 // of the line
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
		// A comment that touches the value is part of what somebody took for it.
		if strings.HasPrefix(line[end:], "//") && !isBlank(line[end-1]) && line[end-1] != '"' {
			end = len(line)
		}
		value := strings.TrimRight(line[at:end], " \t\r\v\f")
		shown := replace(name, value)
		if inside { // a command in quotes: they stay around it
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

// secretIn finds the first name of a password in a command, in lower case, where its
// value begins, and whether that is within quotation marks which began before the
// name. There is none without a value.
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
				value, quoted = value+1, false // it ends the name
			}
			// A console prints "name" = "value", and people write name=value.
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

// inName says whether a byte may be in the name of a variable: all others end it.
func inName(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// secrets are how names of variables end whose values are nobody's business: of the
// game (sv_password, rcon_password, tv_password, tv_relaypassword, sv_logsecret,
// sv_setsteamaccount, -netconpassword) and of plugins.
var secrets = []string{"password", "passwd", "_pass", "secret", "_token", "apikey", "api_key", "steamaccount"}

// isSecret says whether a name in lower case is that of a password. The variable
// password of the game's clients is one only where a command begins: elsewhere it is a
// word like others.
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

// Public is what of settings may be shown to people who may change nothing: without
// passwords.
func (s Settings) Public() Settings {
	s.Password = ""
	s.Cfg = hideEach(s.Cfg)
	s.Args = hideArgs(s.Args)
	return s
}

// Public is what of an overlay may be shown to people who may change nothing:
// lines of its cfg without passwords.
func (o Overlay) Public() Overlay {
	o.Cfg = hideEach(o.Cfg)
	if o.Script != nil { // it may write a cfg file, or log in somewhere
		s := *o.Script
		s.Text = HideSecrets(s.Text)
		o.Script = &s
	}
	return o
}

// Public is what of a job may be shown to people who may change nothing: what it
// printed and found without passwords.
func (j Job) Public() Job {
	j.Log = HideLines(j.Log)
	j.Steps = slices.Clone(j.Steps)
	for i := range j.Steps {
		j.Steps[i].Note, j.Steps[i].Warning = HideSecrets(j.Steps[i].Note), HideSecrets(j.Steps[i].Warning)
	}
	if j.Error != nil {
		j.Error = j.Error.hideSecrets()
	}
	return j
}

// hideSecrets returns e without passwords. When there is one in its texts or in an
// argument it says its Text, without arguments: a name and its password may be two
// of them.
func (e *Error) hideSecrets() *Error {
	c := *e
	c.Text, c.Hint = HideSecrets(e.Text), HideSecrets(e.Hint)
	text, hint := e.Render()
	if c.Text != e.Text || c.Hint != e.Hint || HideSecrets(text) != text || HideSecrets(hint) != hint || e.Args.haveSecrets() {
		c.Code, c.Args = "", nil
	}
	return &c
}

// HideLines is HideSecrets for lines that were taken apart already.
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

// hideArgs also hides a value that is in arguments of its own: the game joins its
// arguments, and each belongs to the option before it.
func hideArgs(args []string) []string {
	out := hideEach(args)
	open := false // a name of a password waits for its value
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

// isOption says whether an argument begins an option, and isn't a negative number.
func isOption(a string) bool {
	return len(a) > 1 && (a[0] == '+' || a[0] == '-' && (a[1] < '0' || a[1] > '9'))
}
