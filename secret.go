package left4me

import (
	"regexp"
	"strings"
	"sync"
)

// passwords finds the values of variables that are nobody's business. It is made
// when it is needed: the root helper, which never does, shall not even link it.
func passwords() *regexp.Regexp {
	finder.once.Do(func() {
		finder.passwords = regexp.MustCompile(`(?i)((?:rcon|sv|tv|tv_relay)_?password"?[ \t]+)("[^"\n]*"?|[^"\s;]+)`)
	})
	return finder.passwords
}

var finder struct {
	once      sync.Once
	passwords *regexp.Regexp
}

// hidden is what is shown of a password.
const hidden = `"(hidden)"`

// HidePasswords masks the passwords in the text of a cfg file.
func HidePasswords(cfg string) string { return passwords().ReplaceAllString(cfg, "${1}"+hidden) }

// HideBoth masks the passwords in two texts of the same file. One that changes
// says so, except that of the remote console, which never does.
func HideBoth(running, next string) (was, will string) {
	if was, will := values(running), values(next); was == "" || will == "" || was == will {
		return HidePasswords(running), HidePasswords(next)
	}
	return HidePasswords(running), passwords().ReplaceAllStringFunc(next, func(s string) string {
		m := passwords().FindStringSubmatch(s)
		if remote(m[1]) {
			return m[1] + hidden
		}
		return m[1] + `"(hidden, another one)"`
	})
}

func values(text string) string {
	var b strings.Builder
	for _, m := range passwords().FindAllStringSubmatch(text, -1) {
		if !remote(m[1]) {
			b.WriteString(m[0] + "\n")
		}
	}
	return b.String()
}

func remote(name string) bool { return strings.HasPrefix(strings.ToLower(name), "rcon") }

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
	return o
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

// hideArgs also hides a value that is an argument of its own.
func hideArgs(args []string) []string {
	out := hideEach(args)
	for i := 1; i < len(args); i++ {
		if strings.HasSuffix(strings.ToLower(args[i-1]), "password") {
			out[i] = "(hidden)"
		}
	}
	return out
}
