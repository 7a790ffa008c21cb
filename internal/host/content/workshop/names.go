package workshop

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/left4me/left4me/internal/left4me"
)

// fileNames returns the file names of a plan's items in addons/.
//
// In the mode by number, a file is named by its item ID, as in the game's own client. In the mode by
// original name, it keeps the author's name, adapted so that a Linux server finds it: ASCII without
// spaces, a single dot, the extension in lower case, and no suffix that marks a part of a larger
// archive. Items with equal names get their ID appended.
func fileNames(p *Plan) map[string]string {
	names, taken := map[string]string{}, map[string]int{}
	for _, it := range p.items {
		if it.state.State == left4me.ItemExcluded {
			continue
		}
		name := it.id
		if p.names == "original" {
			file := it.facts.Filename
			if old, ok := p.past.states[it.id]; file == "" && ok {
				file = old.File // an unavailable item keeps its name
			}
			name = original(file, it.id)
		}
		names[it.id] = name
		taken[strings.ToLower(name)]++
	}
	for id, name := range names {
		if taken[strings.ToLower(name)] > 1 {
			name += "_" + id
		}
		names[id] = name + ".vpk"
	}
	return names
}

const longestName = 100

// original returns an author's file name without its extension and reduced to safe characters; the ID
// if nothing remains.
func original(file, id string) string {
	file = file[strings.LastIndexAny(file, `/\`)+1:]
	if strings.EqualFold(filepath.Ext(file), ".vpk") {
		file = file[:len(file)-4]
	}
	var b strings.Builder
	under := false
	for _, r := range file {
		ok := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-'
		switch {
		case ok:
			b.WriteRune(r)
		case !under:
			b.WriteByte('_')
		}
		under = !ok
	}
	name := strings.Trim(b.String(), "_-")
	name = strings.Trim(name[:min(len(name), longestName)], "_-")
	switch _, number, _ := lastCut(name, "_"); {
	case name == "":
		return id
	case strings.EqualFold(number, "dir"), len(number) == 3 && isDigits(number): // x_dir.vpk and x_000.vpk are parts of an archive
		return name + "_" + id
	}
	return name
}

func lastCut(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

func isDigits(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < '0' || r > '9' })
}

// newest returns the newest version of an item in its cache directory; empty if there is none.
func newest(dir string) (file string, size int64, at time.Time) {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		when, _, ok := strings.Cut(e.Name(), "-")
		n, err := strconv.ParseInt(when, 10, 64)
		if !ok || err != nil || filepath.Ext(e.Name()) != ".vpk" {
			continue
		}
		if bytes, ok := sizeIf(e.Info()); ok && (file == "" || time.Unix(n, 0).After(at)) {
			file, size, at = filepath.Join(dir, e.Name()), bytes, time.Unix(n, 0).UTC()
		}
	}
	return file, size, at
}
