package main

import (
	"os"
	"slices"
	"strings"

	"github.com/left4me/left4me/internal/left4me"
)

// hiding are texts that don't get into a bundle, whatever part of it they stand in.
type hiding struct{ texts map[string]bool }

// shortestHidden is how long a text must be to be hidden wherever it stands: of a
// shorter one each text would be full. Lines and values of that length are left out
// where they belong.
const shortestHidden = 4

func (h *hiding) add(texts ...string) {
	if h.texts == nil {
		h.texts = map[string]bool{}
	}
	for _, t := range texts {
		for line := range strings.Lines(t) {
			line = strings.TrimSpace(line)
			for _, part := range []string{line, strings.Trim(line, `"'`)} {
				if len(part) >= shortestHidden {
					h.texts[part] = true
				}
			}
		}
	}
}

// file adds what a file holds, if this user may read it.
func (h *hiding) file(name string) {
	if b, err := os.ReadFile(name); err == nil {
		h.add(string(b))
	}
}

// settings adds what of a server's or blueprint's settings stays here.
func (h *hiding) settings(s left4me.Settings) {
	h.add(s.Password)
	h.lines(s.Cfg)
	h.lines(s.Args)
}

// lines adds lines of a cfg, and what follows the first word of each: the game prints
// a value without its name.
func (h *hiding) lines(all []string) {
	h.add(all...)
	for _, l := range all {
		for command := range strings.SplitSeq(l, ";") {
			if _, value, ok := strings.Cut(strings.TrimSpace(command), " "); ok && left4me.HideSecrets(command) != command {
				h.add(value)
			}
		}
	}
}

// shellWords are lines of most scripts, and words that other texts need: a job is done.
var shellWords = []string{"done", "else", "then", "esac", "true", "false"}

func (h *hiding) script(text string) {
	for line := range strings.Lines(text) {
		if !slices.Contains(shellWords, strings.TrimSpace(line)) {
			h.add(line)
		}
	}
}

func (h *hiding) overlay(o left4me.Overlay) {
	h.lines(o.Cfg)
	if o.Script != nil {
		h.script(o.Script.Text)
	}
	if o.Git != nil {
		h.add(o.Git.URL) // it may have a token
	}
}

// hide masks them in a text, the longest first.
func (h *hiding) hide(text string) string {
	all := make([]string, 0, len(h.texts))
	for t := range h.texts {
		all = append(all, t)
	}
	slices.SortFunc(all, func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	for _, t := range all {
		text = strings.ReplaceAll(text, t, "(hidden)")
		// As JSON writes it.
		if q := strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(asJSON(t, nil)), `"`), `"`); q != t {
			text = strings.ReplaceAll(text, q, "(hidden)")
		}
	}
	return text
}

// secretsOf are the values of all settings that may not be shown, and of the tokens
// in the environment.
func secretsOf(s settings, file string) (h hiding) {
	h.add(s.secretKey)
	if s.keyFile != "" {
		h.file(s.keyFile)
	}
	text, _ := os.ReadFile(file) // who can't read it, has none of it
	for _, lines := range [][]string{os.Environ(), strings.Split(string(text), "\n")} {
		for _, name := range namesOf(lines) {
			for _, value := range []string{os.Getenv(name), settingIn(string(text), name)} {
				if !shown(name, value) {
					h.add(value)
				}
			}
		}
	}
	return h
}
