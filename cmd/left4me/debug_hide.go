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

// hiding is a set of texts that are replaced wherever they occur in a bundle.
type hiding struct{ texts map[string]bool }

// shortestHidden is the minimum length in bytes of a text that is hidden everywhere, because shorter
// texts occur almost everywhere. Shorter lines and values are omitted in their own fields only.
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

// file adds the lines of a file. A missing file adds nothing; an error means that the file may contain
// unknown secrets.
func (h *hiding) file(name string) error {
	b, err := readIfThere(name)
	h.add(string(b))
	return err
}

// readIfThere reads a file. A missing file is empty.
func readIfThere(name string) ([]byte, error) {
	b, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil, nil
	}
	return b, err
}

// namesIn returns the names in a directory. A missing directory is empty.
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

// settings adds the private parts of the settings of a server or blueprint.
func (h *hiding) settings(s left4me.Settings) {
	h.add(s.Password)
	h.lines(s.Cfg)
	h.lines(s.Args)
}

// lines adds cfg lines, and the values of settings with secrets separately, because the game may print
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

// shellWords are lines of many scripts that must not be hidden, because other texts need these words:
// the state of a job is "done".
var shellWords = []string{"done", "else", "then", "esac", "true", "false"}

func (h *hiding) script(text string) {
	for line := range strings.Lines(text) {
		if !slices.Contains(shellWords, strings.TrimSpace(line)) {
			h.add(line)
		}
	}
}

// address adds a URL and, separately, the password in it.
func (h *hiding) address(s string) {
	h.add(s)
	u, err := url.Parse(s)
	if err != nil || u.User == nil {
		return
	}
	password, has := u.User.Password()
	if !has { // a token is given as the user name
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

// apiToken matches an API token.
var apiToken = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(regexp.QuoteMeta(accounts.TokenPrefix) + `[A-Za-z0-9_-]{8,}`)
})

// hide replaces all occurrences of the texts, including overlapping ones.
func (h *hiding) hide(text string) string {
	const start = shortestHidden
	all := map[string][]string{} // grouped by their first bytes
	for t := range h.texts {
		all[t[:start]] = append(all[t[:start]], t)
		// Also hide the text as JSON encodes it.
		if q := strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(asJSON(t, nil)), `"`), `"`); q != t {
			all[q[:start]] = append(all[q[:start]], q)
		}
	}
	var b strings.Builder
	from, end := 0, 0 // text before from is written, text before end is hidden
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

// ownSecrets are the secrets in the environment and in files.
type ownSecrets struct {
	hiding
	err error // reason why the secrets are incomplete
}

// secretsOf returns the values of all settings that may not be shown, the tokens in the environment,
// and the RCON passwords. The settings of SteamCMD and others are in files next to left4me's.
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
