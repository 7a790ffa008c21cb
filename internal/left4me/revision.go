package left4me

import (
	"encoding/hex"
	"strings"
	"time"
	"unicode/utf8"
)

// Content is what a host has of an overlay.
type Content struct {
	Name      Name       `json:"name"`
	Current   int        `json:"current"`   // the revision that servers start with; 0: there is none
	Revisions []Revision `json:"revisions"` // newest first
	Own       int64      `json:"own"`       // bytes on disk that only this overlay has
	Shared    int64      `json:"shared"`    // bytes that others have too
	DeletedAt time.Time  `json:"deleted_at,omitzero"`
	GoneAt    time.Time  `json:"gone_at,omitzero"` // until then a deleted one can be taken back
	// NameOnHost is what its host calls it, when people call it otherwise: control sets it.
	NameOnHost Name `json:"-"`
}

// Revision is an immutable state of an overlay on a host. In lists Warnings,
// Campaigns and Items are left out.
type Revision struct {
	Number    int             `json:"number"`
	CreatedAt time.Time       `json:"created_at"`
	By        string          `json:"by,omitempty"`
	Job       JobID           `json:"job,omitempty"`
	Label     string          `json:"label,omitempty"`   // what people call it
	Note      string          `json:"note,omitempty"`    // why it was made
	Origin    string          `json:"origin,omitempty"`  // what it was made from: a commit, a tag, a version of a script
	Archive   *SentArchive    `json:"archive,omitempty"` // what it was made of, when names in that may be read otherwise
	Files     int             `json:"files"`
	Bytes     int64           `json:"bytes"`
	Own       int64           `json:"own"` // bytes that would be free without it
	Added     int             `json:"added"`
	Changed   int             `json:"changed"`
	Removed   int             `json:"removed"`           // against the one before
	Servers   []Name          `json:"servers,omitempty"` // those that are up with it
	Warned    int             `json:"warned"`            // how many warnings there are
	Warnings  []Warning       `json:"warnings,omitempty"`
	Campaigns []Campaign      `json:"campaigns,omitempty"`
	Items     []WorkshopState `json:"items,omitempty"` // of a workshop overlay
}

// KeepArchives is how long an upload is kept whose names may be read in another
// encoding, after it was published.
const KeepArchives = 7 * 24 * time.Hour

// SentArchive is an upload that was published and is kept: a change that names it
// again, with another encoding for names, makes a revision in which what it wrote is
// called otherwise.
type SentArchive struct {
	Upload string    `json:"upload"`
	Names  PlanNames `json:"names"`
	Until  time.Time `json:"until"`
}

// Warning is something that will probably hurt players, found before anything
// is published. It never keeps anybody from publishing.
type Warning struct {
	Kind string `json:"kind"`           // see the Warn constants
	Path string `json:"path,omitempty"` // in the layer
	Text string `json:"text"`
	Hint string `json:"hint,omitempty"`
	Fix  bool   `json:"fix,omitempty"` // a repair of the overlay's texts mends it: Change.Repair
}

// Kinds of warnings.
const (
	WarnSameFile   = "same-file"  // two add-ons have the same file
	WarnNoMission  = "no-mission" // a map that no mission names
	WarnNoMap      = "no-map"     // a mission names a map that isn't there
	WarnOtherGame  = "other-game" // an add-on for another game
	WarnBroken     = "broken"     // can't be read, or a sum is wrong
	WarnHollow     = "hollow"     // an add-on in which the game finds nothing, or not all
	WarnUnchecked  = "unchecked"  // an add-on without checksums
	WarnScript     = "script"     // a vscript that is known to clash or has an error
	WarnTooMany    = "too-many"   // add-ons
	WarnName       = "name"       // the game won't find a file of that name
	WarnSyntax     = "syntax"     // a text that the game will not understand
	WarnText       = "text"       // a text that the game or SourceMod reads otherwise than it looks
	WarnDuplicate  = "duplicate"  // the same campaign or add-on twice
	WarnIncomplete = "incomplete" // a part of it is missing
	WarnPlace      = "place"      // it lies where nothing looks for files of its kind, or that is unclear
	// Of a server: what it lacks.
	WarnNoSourceMod = "no-sourcemod" // plugins without SourceMod
	WarnNoMetamod   = "no-metamod"   // plugins of Metamod without it
	WarnTickrate    = "tick-rate"    // more than 30, and nothing that enables it

	WarnFirstMap = "first-map" // of a server or a blueprint: nothing that it stacks has the map
)

// TreeFile is a file or directory of a revision or of a merged tree.
type TreeFile struct {
	Path   string    `json:"path"`
	Dir    bool      `json:"dir,omitempty"`
	Size   int64     `json:"size"`
	Hash   string    `json:"hash,omitempty"`  // SHA-256, hexadecimal; not of directories and upper layers
	Exec   bool      `json:"exec,omitempty"`  // may be executed
	Layer  string    `json:"layer,omitempty"` // of a merged tree: "overlay maps@3", "game", "configuration", "written"
	Hides  []string  `json:"hides,omitempty"` // layers below that have it too, top first
	Gone   bool      `json:"gone,omitempty"`  // a server removed it: a whiteout
	Opaque bool      `json:"opaque,omitempty"`
	At     time.Time `json:"at,omitzero"` // of what a server wrote
}

// Filter is which part of a tree is wanted.
type Filter struct {
	Dir   string `json:"dir,omitempty"`   // only what lies directly in it; "" is the root. Of an overlay it may be a VPK
	Deep  bool   `json:"deep,omitempty"`  // all files beneath Dir, without directories
	Query string `json:"query,omitempty"` // a part of the path, in any case; implies Deep
	After string `json:"after,omitempty"` // Next of the page before
	Limit int    `json:"limit,omitempty"` // 1 to 1000; 0 is 200
}

// FileChange is how a path differs between two trees.
type FileChange struct {
	Path string `json:"path"`
	What string `json:"what"` // added, changed or removed
	From int64  `json:"from"` // sizes
	To   int64  `json:"to"`
}

// Page is a part of a list that is sorted by path. Next is what to ask for
// after; it is empty at the end.
type Page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty"`
	Total int    `json:"total"` // of the whole list, as far as it is known; -1 when it isn't
}

// MaxFile is how many bytes of a file an answer brings.
const MaxFile = 1 << 20

// TreeRequest asks for a page of a revision's files.
type TreeRequest struct {
	V        int  `json:"v"`
	Overlay  Name `json:"overlay"`
	Revision int  `json:"revision,omitempty"` // 0: the current one
	Filter
}

// DiffRequest asks how two revisions differ.
type DiffRequest struct {
	V       int    `json:"v"`
	Overlay Name   `json:"overlay"`
	From    int    `json:"from"` // 0: nothing
	To      int    `json:"to"`   // 0: the current one
	After   string `json:"after,omitempty"`
	Limit   int    `json:"limit,omitempty"`
}

// FileRequest asks for what a file of a revision holds.
type FileRequest struct {
	V        int    `json:"v"`
	Overlay  Name   `json:"overlay"`
	Revision int    `json:"revision,omitempty"`
	Path     string `json:"path"`
	Inside   string `json:"inside,omitempty"` // a file in the VPK that Path is
}

// FileAnswer is what a file holds.
type FileAnswer struct {
	V        int    `json:"v"`
	Revision int    `json:"revision"` // that was inspected
	Size     int64  `json:"size"`
	Hash     string `json:"hash,omitempty"`
	Data     []byte `json:"data"` // all of it, or nothing when it is longer than MaxFile
	Disk     string `json:"disk"` // where it is on the host, relative to its root: for a download on the same machine
}

// CollectSpec is what a host is told of a CollectContent job.
type CollectSpec struct {
	Keep    []OverlayRef `json:"keep"`     // what blueprints and servers name: pinned ones, and overlays as such
	Age     int          `json:"age"`      // days: what is younger stays
	Newest  int          `json:"newest"`   // so many of each overlay stay
	MaxFree int64        `json:"max_free"` // bytes that shall be free: without them, Age doesn't count
}

// PageToken is what is asked for after an item of a page: its path, or something
// that stands for a path that JSON can't carry. PagePath gives the path back.
func PageToken(path string) string {
	if utf8.ValidString(path) {
		return path
	}
	return rawPath + hex.EncodeToString([]byte(path))
}

// PagePath is the path that a page token stands for.
func PagePath(token string) string {
	if code, ok := strings.CutPrefix(token, rawPath); ok {
		if path, err := hex.DecodeString(code); err == nil {
			return string(path)
		}
	}
	return token
}

// rawPath marks a token that isn't the path itself. No relative path begins so.
const rawPath = "//"
