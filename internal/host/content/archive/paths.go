package archive

import (
	"strings"

	"github.com/left4me/left4me/internal/host/content/overlays"
	"github.com/left4me/left4me/internal/left4me"
)

// clean returns a name as a slash-separated path that stays within a directory. windows means that
// \ is a separator. It returns left4me.Invalid, naming the entry, for all other names.
func clean(name string, windows bool) (string, error) {
	p := name
	if strings.Contains(p, `\`) {
		if !windows {
			return "", left4me.NewError(left4me.Invalid, "archive.entry_backslash", "path", shorten(name)).InField("files")
		}
		p = strings.ReplaceAll(p, `\`, "/")
	}
	if strings.HasPrefix(p, "/") {
		return "", left4me.NewError(left4me.Invalid, "archive.entry_absolute", "path", shorten(name)).InField("files")
	}
	if len(p) >= 2 && p[1] == ':' && (p[0]|0x20 >= 'a' && p[0]|0x20 <= 'z') {
		return "", left4me.NewError(left4me.Invalid, "archive.entry_drive", "path", shorten(name)).InField("files")
	}
	parts := make([]string, 0, strings.Count(p, "/")+1)
	kept := true // no part has been dropped
	for part := range strings.SplitSeq(p, "/") {
		switch {
		case part == "" || part == ".":
			kept = false
			continue
		case part == "..":
			return "", left4me.NewError(left4me.Invalid, "archive.entry_leads_out", "path", shorten(name)).InField("files")
		case reserved(part):
			return "", left4me.NewError(left4me.Invalid, "archive.entry_windows_name", "path", shorten(name)).InField("files")
		}
		parts = append(parts, part)
	}
	if len(parts) == 0 {
		return "", nil // the archive's root directory
	}
	if !kept {
		p = strings.Join(parts, "/")
	}
	if err := overlays.CheckPath(p); err != nil {
		return "", err
	}
	return p, nil
}

// reserved reports whether a name is a device on Windows, with any extension and in any case.
// People edit files that they download from left4me there.
func reserved(part string) bool {
	base, _, _ := strings.Cut(part, ".")
	base = strings.ToLower(strings.TrimRight(base, " "))
	switch base {
	case "con", "prn", "aux", "nul", "conin$", "conout$":
		return true
	}
	if len(base) == 4 && (strings.HasPrefix(base, "com") || strings.HasPrefix(base, "lpt")) {
		return base[3] >= '1' && base[3] <= '9'
	}
	return false
}

// tree records paths to detect those that can't coexist in a file system.
type tree struct {
	seen  map[string]string // folded path to original path
	files map[string]bool   // true for files, false for directories
}

func newTree() *tree { return &tree{seen: map[string]string{}, files: map[string]bool{}} }

// add adds a path and its parents. It returns left4me.Invalid for a path that exists or differs
// from an existing one only in case or Unicode form, and for a path that is both file and
// directory.
func (t *tree) add(p string, dir bool) error {
	for up := p; up != "."; up = dirOf(up) {
		file := up == p && !dir
		was, known := t.files[up]
		if known && !file && !was {
			return nil // the parents are known, too
		}
		if known {
			if file && was {
				return left4me.NewError(left4me.Invalid, "archive.entry_twice", "path", shorten(up)).InField("files")
			}
			return left4me.NewError(left4me.Invalid, "archive.entry_file_and_directory", "path", shorten(up)).InField("files")
		}
		key := overlays.Fold(up)
		if other, ok := t.seen[key]; ok {
			return left4me.NewError(left4me.Invalid, "archive.entry_differs_by_case", "path", shorten(up), "other", other).InField("files")
		}
		t.seen[key], t.files[up] = up, file
	}
	return nil
}
