// Package backup packs everything of a left4me that cannot be downloaded again into an archive,
// verifies archives, and restores them on any machine.
//
// An archive is a zstd-compressed tar with PAX headers. It contains head.json, then the database,
// the settings, the files of overlays, and the writable layers of servers, and finally
// manifest.json with size and SHA-256 of every file. It does not contain the game or files from the
// workshop; the manifest lists them.
//
// Some of the packed files belong to game servers, which may be hostile and write to them during
// the backup. Directories are therefore opened by descriptor, symbolic links are not followed, and
// a file that changed while it was read is packed again or marked. A restored archive can come from
// anywhere: an entry that Pack would not have written is rejected by name, and no file is put in
// place before all checksums have been verified.
package backup

import (
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/left4me/left4me/internal/left4me"
)

// Format is the format version of new archives. Archives with another version are rejected.
const Format = 1

// Names of the entries that are not files of a root.
const (
	headName     = "head.json"
	manifestName = "manifest.json"
	databaseName = "left4me.db"
	settingsDir  = "etc"
)

// Limits for reading. Real archives stay far below them.
const (
	maxHead     = 1 << 20
	maxManifest = 1 << 30
	maxEntries  = 20_000_000
	maxPath     = 4096
	maxDepth    = 128
	maxWindow   = 64 << 20 // window of zstd, which limits the memory of the decoder
)

// xattrPrefix is the prefix of extended attributes in PAX headers, as used by GNU tar and bsdtar.
const xattrPrefix = "SCHILY.xattr."

// Head is the first entry of an archive. It describes the archive and the version needed to read
// it.
type Head struct {
	Format    int          `json:"format"`
	Version   string       `json:"version"` // version of left4me that wrote the archive
	Schema    int64        `json:"schema"`  // schema version of the database
	Host      left4me.Name `json:"host"`
	CreatedAt time.Time    `json:"created_at"`
	Scheduled bool         `json:"scheduled,omitempty"`
}

// Manifest is the last entry of an archive. It lists all entries before it.
type Manifest struct {
	Entries    []Entry     `json:"entries"`
	References []Reference `json:"references"`
	Build      int64       `json:"build"` // build of the game; 0 if none was installed
	Game       []string    `json:"game"`  // layers of the installation, top first
	Warnings   []string    `json:"warnings"`
}

// Entry describes one entry of an archive.
type Entry struct {
	Path    string `json:"path,omitempty"`
	Raw     []byte `json:"raw,omitempty"` // the path, if it is not UTF-8
	Kind    string `json:"kind"`          // file, dir, link, symlink or whiteout
	Size    int64  `json:"size,omitempty"`
	SHA256  string `json:"sha256,omitempty"`
	Changed bool   `json:"changed,omitempty"` // the file changed during every attempt to read it
}

func (e Entry) path() string {
	if e.Raw != nil {
		return string(e.Raw)
	}
	return e.Path
}

// Reference describes a file of a cache, which is not in the archive because it can be downloaded
// again, and the files of overlays that share its inode.
type Reference struct {
	Path   string   `json:"path"` // relative to the root: workshop_cache/123/4.vpk
	Size   int64    `json:"size"`
	SHA256 string   `json:"sha256"`
	Links  []string `json:"links,omitempty"`
}

// ErrDamaged is in the chain of errors for a file that is no complete archive.
var ErrDamaged = errors.New("damaged")

// damaged returns an error that wraps ErrDamaged.
func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrDamaged, fmt.Sprintf(format, args...))
}

// tree is the part of a root that an entry belongs to. Links must not leave their part.
type tree struct {
	top   string // directory that symbolic links must not leave; empty: no symbolic links allowed
	share string // files with the same share may be hard links of each other
	only  string // "file" or "dir": the only kind allowed at this path
	game  bool   // written by the game
}

// partOf returns the part that a path belongs to, and whether an archive may contain the path.
func partOf(p string) (tree, bool) {
	if !validPath(p) {
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

// settingsFile reports whether a file contains settings, such as left4me.env.
func settingsFile(name string) bool {
	stem, ok := strings.CutSuffix(name, ".env")
	return ok && left4me.Name(stem).Valid()
}

// validPath reports whether a path is relative, clean and within the limits.
func validPath(p string) bool {
	return p != "" && p != "." && len(p) <= maxPath && path.Clean(p) == p && p[0] != '/' &&
		p != ".." && !strings.HasPrefix(p, "../") && !strings.ContainsRune(p, 0) && strings.Count(p, "/") < maxDepth
}

// staysIn reports whether the target of a symbolic link at p stays inside top, judging by its text
// only.
func staysIn(top, p, target string) bool {
	if target == "" || path.IsAbs(target) || len(target) > maxPath {
		return false
	}
	// Check each step: a/../../x leaves the directory even if it returns later.
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
