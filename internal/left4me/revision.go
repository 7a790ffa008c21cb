package left4me

import (
	"encoding/hex"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/left4me/left4me/internal/locale"
)

// Content describes the revisions of an overlay on a host.
type Content struct {
	Name      Name       `json:"name"`
	Current   int        `json:"current"`   // the revision that servers start with; 0 if there is none
	Revisions []Revision `json:"revisions"` // newest first
	Own       int64      `json:"own"`       // disk space in bytes that only this overlay uses
	Shared    int64      `json:"shared"`    // disk space in bytes shared with other overlays
	DeletedAt time.Time  `json:"deleted_at,omitzero"`
	GoneAt    time.Time  `json:"gone_at,omitzero"` // when a deleted overlay is removed permanently; until then it can be restored
	// NameOnHost is the host's name of the overlay if it differs from the displayed name. Control
	// sets it.
	NameOnHost Name `json:"-"`
}

// Revision is an immutable state of an overlay on a host. Lists omit Warnings, Campaigns and Items.
type Revision struct {
	Number    int             `json:"number"`
	CreatedAt time.Time       `json:"created_at"`
	By        string          `json:"by,omitempty"`
	Job       JobID           `json:"job,omitempty"`
	Label     string          `json:"label,omitempty"`   // set by a user
	Note      string          `json:"note,omitempty"`    // reason for the change
	Origin    string          `json:"origin,omitempty"`  // source: a commit, a tag, or the version of a script
	Archive   *SentArchive    `json:"archive,omitempty"` // the uploaded archive, if its names can be decoded in another encoding
	Files     int             `json:"files"`
	Bytes     int64           `json:"bytes"`
	Own       int64           `json:"own"` // bytes that removing the revision would free
	Added     int             `json:"added"`
	Changed   int             `json:"changed"`
	Removed   int             `json:"removed"`           // Added, Changed and Removed count files against the previous revision
	Servers   []Name          `json:"servers,omitempty"` // running servers that use it
	Warned    int             `json:"warned"`            // number of warnings
	Warnings  []Warning       `json:"warnings,omitempty"`
	Campaigns []Campaign      `json:"campaigns,omitempty"`
	Items     []WorkshopState `json:"items,omitempty"` // items of a workshop overlay
}

// KeepArchives is how long a published upload is kept if its names may be decoded in another
// encoding.
const KeepArchives = 7 * 24 * time.Hour

// SentArchive is a published upload that is kept. A change that refers to it with another encoding
// creates a revision in which its files have the names of that encoding.
type SentArchive struct {
	Upload string    `json:"upload"`
	Names  PlanNames `json:"names"`
	Until  time.Time `json:"until"`
}

// Warning is a likely problem for players, found before a revision is published. It never prevents
// publishing.
//
// Code and Args identify the finding, and the reader's texts are made from them (see RenderIn).
// Text and Hint are those texts in English, worded by the build that made the warning: for stored
// revisions, for version 1 of the API, and for a build that doesn't know the code. A warning from a
// build without codes has none.
type Warning struct {
	Kind string `json:"kind"`           // one of the Warn constants
	Path string `json:"path,omitempty"` // in the layer
	Code string `json:"code" doc:"Stable code of the finding"`
	Args Args   `json:"args" doc:"Arguments of the code's text, as in errors"`
	Text string `json:"text"`
	Hint string `json:"hint,omitempty"`
	Fix  bool   `json:"fix,omitempty"` // Change.Repair can fix it
}

// NewWarning returns a Warning whose texts are those of code in the catalogue, filled with
// arguments: names and values in turn. Code and names are literals, so that a test can compare them
// with the texts. Args lists the types of values; nil means no argument. Arguments may come from
// untrusted files: they are truncated to the bounds of Args.
func NewWarning(kind, path, code string, args ...any) Warning {
	w := Warning{Kind: kind, Path: path, Code: code, Args: argsOf(args).clipped()}
	if w.Text, w.Hint = w.RenderIn(locale.English); w.Text == "" {
		w.Text = unknownText(code, w.Args)
	}
	return w
}

// RenderIn returns the finding and what to do about it, which may be empty, in the language of p.
// If this build doesn't know the code or its arguments, the texts are those that the warning came
// with.
func (w Warning) RenderIn(p *locale.Printer) (text, hint string) {
	if text, hint, ok := textsOf(p, "warning.", w.Code, ".hint", w.Args); ok {
		return text, hint
	}
	return w.Text, w.Hint
}

// Shortened returns w without Code and Args, since Text and Hint say the same, and with texts of a
// bounded length in bytes of JSON.
func (w Warning) Shortened(text, hint int) Warning {
	return Warning{Kind: w.Kind, Path: w.Path, Text: Clip(w.Text, text), Hint: Clip(w.Hint, hint), Fix: w.Fix}
}

// Kinds of warnings.
const (
	WarnSameFile   = "same-file"  // two add-ons contain the same file
	WarnNoMission  = "no-mission" // no mission names the map
	WarnNoMap      = "no-map"     // a mission names a map that does not exist
	WarnOtherGame  = "other-game" // an add-on for another game
	WarnBroken     = "broken"     // unreadable, or a checksum mismatch
	WarnHollow     = "hollow"     // the game finds no file in the add-on, or not all
	WarnUnchecked  = "unchecked"  // an add-on without checksums
	WarnScript     = "script"     // a vscript with a known conflict or an error
	WarnTooMany    = "too-many"   // too many add-ons
	WarnName       = "name"       // the game cannot find a file with this name
	WarnSyntax     = "syntax"     // the game cannot parse the text
	WarnText       = "text"       // the game or SourceMod reads the text differently from what is displayed
	WarnDuplicate  = "duplicate"  // the same campaign or add-on exists twice
	WarnIncomplete = "incomplete" // a part is missing
	WarnCommand    = "command"    // a cfg file runs a command that would take the server out of left4me's control
	WarnPlace      = "place"      // nothing reads files of this kind in this place, or the place is ambiguous
	// Warnings about a server's stack as a whole.
	WarnNoSourceMod = "no-sourcemod" // plugins without SourceMod
	WarnNoMetamod   = "no-metamod"   // Metamod plugins without Metamod
	WarnTickrate    = "tick-rate"    // a tick rate over 30 without a plugin that enables it

	WarnFirstMap = "first-map" // the stack of a server or blueprint lacks the first map, or the map lacks the mode
)

// TreeFile is a file or directory of a revision or of a merged stack.
type TreeFile struct {
	Path   string    `json:"path"`
	Dir    bool      `json:"dir,omitempty"`
	Size   int64     `json:"size"`
	Hash   string    `json:"hash,omitempty"`  // SHA-256, hexadecimal; not for directories and writable layers
	Exec   bool      `json:"exec,omitempty"`  // executable
	Layer  string    `json:"layer,omitempty"` // in a merged stack: "overlay maps@3", "game", "configuration", "written"
	Hides  []string  `json:"hides,omitempty"` // lower layers that contain the same path, top first
	Gone   bool      `json:"gone,omitempty"`  // deleted by a server: a whiteout
	Opaque bool      `json:"opaque,omitempty"`
	At     time.Time `json:"at,omitzero"` // modification time, for files written by a server
}

// Filter selects a part of a tree.
type Filter struct {
	Dir   string `json:"dir,omitempty"`   // only direct entries of this directory; "" is the root. In an overlay, it may be a VPK
	Deep  bool   `json:"deep,omitempty"`  // all files under Dir, without directories
	Query string `json:"query,omitempty"` // substring of the path, ignoring case; implies Deep
	After string `json:"after,omitempty"` // Next of the previous page
	Limit int    `json:"limit,omitempty"` // 1 to 1000; 0 means 200
}

// maxNestedDirs bounds how many directories FirstFiles enters.
const maxNestedDirs = 16

// FirstFiles lists a tree like list and enters directories that contain nothing but one directory, so that
// the list begins where the files are. It returns the directory that it listed. A query, a page after the
// first, and all errors are those of list for the filter itself.
func FirstFiles(f Filter, list func(Filter) (Page[TreeFile], error)) (dir string, p Page[TreeFile], err error) {
	p, err = list(f)
	for n := 0; n < maxNestedDirs && err == nil && f.Query == "" && f.After == "" && !f.Deep; n++ {
		if len(p.Items) != 1 || !p.Items[0].Dir || p.Items[0].Gone || p.Next != "" {
			break
		}
		inner := f
		inner.Dir = p.Items[0].Path
		below, berr := list(inner)
		if berr != nil {
			break // the listing is still current
		}
		f, p = inner, below
	}
	return f.Dir, p, err
}

// FileChange is a difference between two trees.
type FileChange struct {
	Path string `json:"path"`
	What string `json:"what"` // added, changed or removed
	From int64  `json:"from"` // sizes in bytes
	To   int64  `json:"to"`
}

// Page is a part of a list that is sorted by path. Next is the value of After for the following
// page; it is empty on the last page.
type Page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty"`
	Total int    `json:"total"` // length of the whole list, as far as known; -1 if unknown
}

// MaxFile is the maximum number of bytes of a file's content in an answer.
const MaxFile = 1 << 20

// TreeRequest requests a page of a revision's files.
type TreeRequest struct {
	V        int  `json:"v"`
	Overlay  Name `json:"overlay"`
	Revision int  `json:"revision,omitempty"` // 0: the current revision
	Filter
}

// DiffRequest requests the differences between two revisions.
type DiffRequest struct {
	V       int    `json:"v"`
	Overlay Name   `json:"overlay"`
	From    int    `json:"from"` // 0: an empty tree
	To      int    `json:"to"`   // 0: the current revision
	After   string `json:"after,omitempty"`
	Limit   int    `json:"limit,omitempty"`
}

// FileRequest requests the content of a file of a revision.
type FileRequest struct {
	V        int    `json:"v"`
	Overlay  Name   `json:"overlay"`
	Revision int    `json:"revision,omitempty"`
	Path     string `json:"path"`
	Inside   string `json:"inside,omitempty"` // a file inside the VPK at Path
}

// FileAnswer is the content of a file.
type FileAnswer struct {
	V        int    `json:"v"`
	Revision int    `json:"revision"` // the revision that was read
	Size     int64  `json:"size"`
	Hash     string `json:"hash,omitempty"`
	Data     []byte `json:"data"` // the whole content, or nothing if it is longer than MaxFile
	Disk     string `json:"disk"` // path on the host, relative to its root, for downloads on the same machine
}

// CollectSpec is the part of a CollectContent job that is sent to the host.
type CollectSpec struct {
	Keep    []OverlayRef `json:"keep"`     // layers of blueprints and servers: pinned revisions and followed overlays
	Age     int          `json:"age"`      // days; younger revisions are kept
	Newest  int          `json:"newest"`   // number of revisions of each overlay to keep
	MaxFree int64        `json:"max_free"` // target free space in bytes: while less is free, Age is ignored
}

// PageToken returns the value of After for the page that follows an item: its path, or an encoding
// of it if the path is not valid UTF-8 and JSON cannot carry it. PagePath decodes it.
func PageToken(path string) string {
	if utf8.ValidString(path) {
		return path
	}
	return rawPath + hex.EncodeToString([]byte(path))
}

// PagePath returns the path that a page token stands for.
func PagePath(token string) string {
	if code, ok := strings.CutPrefix(token, rawPath); ok {
		if path, err := hex.DecodeString(code); err == nil {
			return string(path)
		}
	}
	return token
}

// rawPath starts a token that encodes a path. No relative path starts with it.
const rawPath = "//"
