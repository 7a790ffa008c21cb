// Package backup packs what a left4me can't get again into one archive, reads it
// back, and lays it out on another machine.
//
// An archive is a tar of PAX headers within zstd: first head.json, then the
// database, the settings, the files of overlays and what servers wrote, and last
// manifest.json with the size and SHA-256 of every file. The game and what came
// from the workshop are not in it: the manifest names them.
//
// What it reads belongs partly to game servers, which write meanwhile and may be
// hostile: directories are entered by descriptor, no link is followed, and a
// file that changed while it was read is read again, or marked. What it lays out
// came from anywhere: an entry that it would not have written itself is refused
// with its name, and nothing is put in place before every sum was right.
package backup

import (
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/left4me/left4me/internal/left4me"
)

// Format is that of the archives that are written. A newer one is refused.
const Format = 1

// The names of what is in an archive beside the files of a root.
const (
	headName     = "head.json"
	manifestName = "manifest.json"
	databaseName = "left4me.db"
	settingsDir  = "etc"
)

// Bounds of what is read. Honest archives stay far below them.
const (
	maxHead     = 1 << 20
	maxManifest = 1 << 30
	maxEntries  = 20_000_000
	maxPath     = 4096
	maxDepth    = 128
	maxWindow   = 64 << 20 // of zstd: what reading one may take of memory
)

// xattrPrefix is how an extended attribute stands in a PAX header, as GNU tar
// and bsdtar have it.
const xattrPrefix = "SCHILY.xattr."

// Head is the first entry: what it is and who can read it.
type Head struct {
	Format    int          `json:"format"`
	Version   string       `json:"version"` // of the left4me that wrote it
	Schema    int64        `json:"schema"`  // of the database
	Host      left4me.Name `json:"host"`
	CreatedAt time.Time    `json:"created_at"`
	Scheduled bool         `json:"scheduled,omitempty"`
}

// Manifest is the last entry: what must have come before it.
type Manifest struct {
	Entries    []Entry     `json:"entries"`
	References []Reference `json:"references"`
	Build      int64       `json:"build"` // of the game; 0 when there was none
	Game       []string    `json:"game"`  // the layers of the installation, top first
	Warnings   []string    `json:"warnings"`
}

// Entry is one thing of the archive.
type Entry struct {
	Path    string `json:"path,omitempty"`
	Raw     []byte `json:"raw,omitempty"` // the path, when it is no UTF-8
	Kind    string `json:"kind"`          // file, dir, link, symlink or whiteout
	Size    int64  `json:"size,omitempty"`
	SHA256  string `json:"sha256,omitempty"`
	Changed bool   `json:"changed,omitempty"` // it was written to each time it was read
}

func (e Entry) path() string {
	if e.Raw != nil {
		return string(e.Raw)
	}
	return e.Path
}

// Reference is a file that isn't in the archive because it can be had again: one
// in a cache, and the files of overlays that are the same inode.
type Reference struct {
	Path   string   `json:"path"` // beneath the root: workshop_cache/123/4.vpk
	Size   int64    `json:"size"`
	SHA256 string   `json:"sha256"`
	Links  []string `json:"links,omitempty"`
}

// ErrDamaged is inside the error for an archive that isn't whole or isn't one.
var ErrDamaged = errors.New("damaged")

// damaged says what is wrong with an archive.
func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrDamaged, fmt.Sprintf(format, args...))
}

// tree is the part of a root that an entry belongs to. Links stay in theirs.
type tree struct {
	top   string // the directory that symbolic links can't leave; empty where there are none
	share string // files of the same share may be one inode
	only  string // "file" or "dir", when nothing else may stand here
	game  bool   // what the game wrote
}

// place says what may stand at a path, and whether anything may.
func place(p string) (tree, bool) {
	if !tidy(p) {
		return tree{}, false
	}
	parts := strings.Split(p, "/")
	named := len(parts) < 2 || left4me.Name(parts[1]).Valid()
	switch top := parts[0]; {
	case p == databaseName:
		return tree{only: "file"}, true
	case top == settingsDir && len(parts) == 2:
		return tree{only: "file"}, settingsFile(parts[1])
	case !named:
		return tree{}, false
	case top == "overlays" && len(parts) <= 2, (top == "instances" || top == "runtime") && len(parts) <= 2:
		return tree{only: "dir"}, true
	case top == "overlays":
		return tree{top: path.Join(parts[:3]...), share: top}, true
	case top == "instances":
		return tree{only: "file"}, len(parts) == 3 && parts[2] == "rcon"
	case top == "runtime" && parts[2] == "upper" && len(parts) == 3:
		return tree{only: "dir", game: true}, true
	case top == "runtime" && parts[2] == "upper":
		return tree{top: path.Join(parts[:3]...), share: path.Join(parts[:3]...), game: true}, true
	}
	return tree{}, false
}

// settingsFile reports whether a file holds settings: left4me.env.
func settingsFile(name string) bool {
	stem, ok := strings.CutSuffix(name, ".env")
	return ok && left4me.Name(stem).Valid()
}

// tidy reports whether a path is relative, clean and short.
func tidy(p string) bool {
	return p != "" && p != "." && len(p) <= maxPath && path.Clean(p) == p && p[0] != '/' &&
		p != ".." && !strings.HasPrefix(p, "../") && !strings.ContainsRune(p, 0) && strings.Count(p, "/") < maxDepth
}

// staysIn reports whether a symbolic link at p, of tree top, points to something
// beneath top by its text.
func staysIn(top, p, target string) bool {
	if target == "" || path.IsAbs(target) || len(target) > maxPath {
		return false
	}
	// Step by step: a/../../x leaves on its way, whatever it comes back to.
	at := strings.Split(strings.TrimPrefix(path.Dir(p), top), "/")
	depth := 0
	for _, part := range at {
		if part != "" {
			depth++
		}
	}
	for part := range strings.SplitSeq(target, "/") {
		switch part {
		case "", ".":
		case "..":
			depth--
		default:
			depth++
		}
		if depth < 0 {
			return false
		}
	}
	return true
}
