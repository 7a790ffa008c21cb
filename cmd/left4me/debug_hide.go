package main

import (
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/left4me/left4me/internal/control/accounts"
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

// file adds what a file holds. What isn't there holds nothing; what can't be read may
// hold what isn't known.
func (h *hiding) file(name string) error {
	b, err := readIfThere(name)
	h.add(string(b))
	return err
}

// readIfThere reads a file; one that isn't there is empty.
func readIfThere(name string) ([]byte, error) {
	b, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil, nil
	}
	return b, err
}

// namesIn are the names in a directory; one that isn't there is empty.
func namesIn(dir string) (names []string, err error) {
	all, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for _, e := range all {
		names = append(names, e.Name())
	}
	return names, err
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

// address adds one that may have a password, and that alone.
func (h *hiding) address(s string) {
	h.add(s)
	u, err := url.Parse(s)
	if err != nil || u.User == nil {
		return
	}
	password, has := u.User.Password()
	if !has { // as tokens are given
		password = u.User.Username()
	}
	h.add(password)
}

func (h *hiding) overlay(o left4me.Overlay) {
	h.lines(o.Cfg)
	if o.Script != nil {
		h.script(o.Script.Text)
	}
	if o.Git != nil {
		h.address(o.Git.URL)
	}
}

// apiToken is a token of the API, wherever it stands.
var apiToken = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(regexp.QuoteMeta(accounts.TokenPrefix) + `[A-Za-z0-9_-]{8,}`)
})

// hide masks them in a text, also where one begins within another.
func (h *hiding) hide(text string) string {
	const start = shortestHidden
	all := map[string][]string{} // by how they begin
	for t := range h.texts {
		all[t[:start]] = append(all[t[:start]], t)
		// As JSON writes it.
		if q := strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(asJSON(t, nil)), `"`), `"`); q != t {
			all[q[:start]] = append(all[q[:start]], q)
		}
	}
	var b strings.Builder
	from, end := 0, 0 // what is shown begins at from, and what is hidden ends at end
	for i := 0; i+start <= len(text); i++ {
		for _, t := range all[text[i:i+start]] {
			if !strings.HasPrefix(text[i:], t) {
				continue
			}
			if i >= end {
				b.WriteString(text[from:i] + "(hidden)")
			}
			end = max(end, i+len(t))
			from = end
		}
	}
	b.WriteString(text[from:])
	return apiToken().ReplaceAllString(b.String(), "(hidden)")
}

func (h *hiding) join(other hiding) {
	for t := range other.texts {
		h.add(t)
	}
}

// ownSecrets are the secrets that stand in the environment and in files.
type ownSecrets struct {
	hiding
	err error // why they aren't all of them
}

// secretsOf are the values of all settings that may not be shown, of the tokens in the
// environment, and the passwords of remote consoles. The settings of SteamCMD and
// others stand in files beside left4me's.
func secretsOf(s settings, file string) (own ownSecrets) {
	own.add(s.secretKey)
	failed := func(err error) { own.err = errors.Join(own.err, err) }
	if s.keyFile != "" {
		failed(own.file(s.keyFile))
	}
	add := func(name, value string) {
		if !shown(name, value) {
			own.address(value)
		}
	}
	for _, name := range namesOf(os.Environ()) {
		add(name, os.Getenv(name))
	}
	files := []string{file}
	for _, dir := range []string{filepath.Dir(file), s.configDir} {
		if dir == "" {
			continue
		}
		names, err := namesIn(dir)
		failed(err)
		for _, n := range names {
			if strings.HasSuffix(n, ".env") {
				files = append(files, filepath.Join(dir, n))
			}
		}
	}
	slices.Sort(files)
	for _, f := range slices.Compact(files) {
		text, err := readIfThere(f)
		failed(err)
		for _, name := range namesOf(strings.Split(string(text), "\n")) {
			add(name, settingIn(string(text), name))
		}
	}
	instances := filepath.Join(s.root, "instances")
	names, err := namesIn(instances)
	failed(err)
	for _, n := range names {
		failed(own.file(filepath.Join(instances, n, "rcon")))
	}
	return own
}
