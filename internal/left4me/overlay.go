package left4me

import (
	"cmp"
	"encoding"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// OverlayKind is the source of an overlay's files.
type OverlayKind string

// The kinds of overlays.
const (
	FilesOverlay    OverlayKind = "files"    // files that users upload and edit
	WorkshopOverlay OverlayKind = "workshop" // items and collections of the Steam workshop
	ScriptOverlay   OverlayKind = "script"   // the output of a shell script
	GitOverlay      OverlayKind = "git"      // a commit of a Git repository
	ReleaseOverlay  OverlayKind = "release"  // the assets of a GitHub release
)

// OverlayRef refers to an overlay as a layer of a stack. Its text form is "maps", which follows the
// overlay's current revision, or "maps@3", which is pinned to revision 3.
type OverlayRef struct {
	Name     Name
	Revision int // 0: the current revision
}

var (
	_ encoding.TextMarshaler   = OverlayRef{}
	_ encoding.TextUnmarshaler = (*OverlayRef)(nil)
)

// ParseOverlayRef parses "maps" or "maps@3". Errors: Invalid.
func ParseOverlayRef(s string) (OverlayRef, error) {
	name, rev, pinned := strings.Cut(s, "@")
	n, err := ParseName(name)
	if err != nil {
		return OverlayRef{}, err
	}
	r := OverlayRef{Name: n}
	if pinned {
		r.Revision, err = strconv.Atoi(rev)
		if err != nil || r.Revision < 1 || strconv.Itoa(r.Revision) != rev {
			return OverlayRef{}, NewError(Invalid, "overlay.reference_invalid", "revision", rev).InField("overlays")
		}
	}
	return r, nil
}

func (r OverlayRef) String() string {
	if r.Revision == 0 {
		return string(r.Name)
	}
	return fmt.Sprintf("%s@%d", r.Name, r.Revision)
}

// MarshalText returns the same text as String.
func (r OverlayRef) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText accepts the same texts as ParseOverlayRef.
func (r *OverlayRef) UnmarshalText(b []byte) (err error) {
	*r, err = ParseOverlayRef(string(b))
	return err
}

// Overlay is the definition of an overlay. At most one of Workshop, Script, Git and Release is set,
// as Kind requires.
type Overlay struct {
	ID       ID          `json:"id,omitempty"`
	Name     Name        `json:"name"`
	Kind     OverlayKind `json:"kind"`
	Note     string      `json:"note,omitempty"` // free-form description
	Workshop *Workshop   `json:"workshop,omitempty"`
	Script   *Script     `json:"script,omitempty"`
	Git      *Git        `json:"git,omitempty"`
	Release  *Release    `json:"release,omitempty"`
	Refresh  Refresh     `json:"refresh"`
	// Moves are changed destinations of folders in uploads and archives. A move that a user makes
	// in an upload is stored here for the next upload.
	Moves     []FolderMove `json:"moves,omitempty"`
	Texts     string       `json:"texts,omitempty"` // how builds treat texts that are not plain UTF-8; see Import.Texts
	Cfg       []string     `json:"cfg,omitempty"`   // raw lines added to server.cfg of each server that stacks the overlay
	Version   int          `json:"version"`         // incremented by each change; an edit names the version it is based on
	CreatedAt time.Time    `json:"created_at"`
	UpdatedAt time.Time    `json:"updated_at"`
	// HostName is the name that the overlay's host uses if the overlay was renamed; empty if that
	// is Name.
	HostName Name `json:"-"`
}

// OnHost returns the name that the host uses: that of the overlay's directory.
func (v Overlay) OnHost() Name { return cmp.Or(v.HostName, v.Name) }

// Target returns v as a target.
func (v Overlay) Target() Target { return Target{Kind: OverlayTarget, ID: v.ID, Name: string(v.Name)} }

// Refresh is the schedule of automatic updates of an overlay, and the restart policy for servers
// that run an older revision.
type Refresh struct {
	Hours   int    `json:"hours" doc:"Hours between two checks; 0 disables them"`
	At      string `json:"at,omitempty" doc:"HH:MM in the host's time zone; absent: at any time"`
	Restart string `json:"restart,omitempty" doc:"When servers with an older revision restart: never (the default), empty or HH:MM"`
}

// Script is the shell script that generates an overlay.
type Script struct {
	Text    string `json:"text"`
	Version int    `json:"version,omitempty"` // incremented by each change; older versions are kept
}

// Git selects the part of a commit of a repository that becomes an overlay.
type Git struct {
	URL    string   `json:"url"`              // https://…
	Ref    string   `json:"ref,omitempty"`    // branch, tag or commit; empty: the default branch
	Subdir string   `json:"subdir,omitempty"` // use only this directory
	Keep   []string `json:"keep,omitempty"`   // paths or globs of the current revision that a new revision must not replace
}

// Release selects the assets of a release that become an overlay.
type Release struct {
	Repository string   `json:"repository"`       // owner/name on GitHub
	Tag        string   `json:"tag,omitempty"`    // empty: the latest release
	Asset      string   `json:"asset"`            // glob: l4d2-*.zip
	Subdir     string   `json:"subdir,omitempty"` // use only this directory of the archive
	Keep       []string `json:"keep,omitempty"`
}

// The kinds of jobs on overlays.
const (
	BuildOverlay   JobKind = "overlay.build"   // publishes a revision if anything changed
	DeleteOverlay  JobKind = "overlay.delete"  // moves all revisions to the trash
	RestoreOverlay JobKind = "overlay.restore" // moves the overlay's files back
	CollectContent JobKind = "content.collect" // removes revisions and downloads that nothing needs; the target is the host
	DiscardUpper   JobKind = "server.discard"  // deletes files in a server's writable layer
)

// Labels of the steps of content jobs.
const (
	StepStageOverlay   = "prepare a revision"
	StepAskWorkshop    = "ask Steam about the items"
	StepFetch          = "fetch"
	StepRunScript      = "run the script"
	StepUnpack         = "unpack"
	StepRepairTexts    = "repair texts"
	StepInspect        = "look for problems"
	StepPublishOverlay = "publish the revision"
	StepSetAside       = "set revisions aside"
	StepTakeBack       = "take revisions back"
	StepCollect        = "remove what nothing needs"
	StepDiscard        = "drop files"
)

// BuildSpec is the part of a BuildOverlay job that is sent to the host: the definition and, for a
// files overlay, the change to make.
type BuildSpec struct {
	Overlay Overlay  `json:"overlay"`
	Note    string   `json:"note,omitempty"` // reason for the change; stored with the revision
	By      string   `json:"by"`
	Change  *Change  `json:"change,omitempty"`  // for a files overlay
	Promote *Promote `json:"promote,omitempty"` // for a files overlay
	// PromoteFrom is the name that the host uses for the server of Promote, if it is a different
	// one.
	PromoteFrom Name `json:"promote_from,omitempty"`
	PromoteID   ID   `json:"promote_id,omitempty"` // id of that server
	// FromBackup makes the files of an overlay in a backup the next revision, whatever the kind.
	FromBackup *OverlayInBackup `json:"from_backup,omitempty"`
	// NamesHint is the encoding for names in archives that are too short to detect one.
	NamesHint string `json:"names_hint,omitempty"`
}

// Change is an edit of a files overlay: it adds, replaces and removes files of a revision.
type Change struct {
	Upload  string   `json:"upload,omitempty"`  // the completed upload with the new files
	Import  Import   `json:"import"`            // how to unpack and place the upload's files
	Replace bool     `json:"replace,omitempty"` // the upload replaces all files; otherwise it is added to the existing ones
	Delete  []string `json:"delete,omitempty"`  // paths of files or directories
	// Once reports that the sender still has the upload and sends it again if needed, so the upload
	// is deleted even if the build fails. Otherwise a failed build keeps the upload, so that
	// another build can read it in a different way.
	Once bool `json:"once,omitempty"`
	// Repair lists texts of the current revision, or directories with such texts, to repair: texts
	// that the game or SourceMod reads differently from what is displayed. "." selects all of them.
	// It is the only change that overlays of all kinds accept.
	Repair []string `json:"repair,omitempty"`
	// Base is the revision that the change is based on, or NoRevision; 0 disables the check.
	// Changing a path that was also changed since Base is a Conflict.
	Base int `json:"base,omitempty"`
}

// NoRevision is the base of a change to an overlay that had no revision.
const NoRevision = -1

// Promote copies files from a server's writable layer into an overlay.
type Promote struct {
	Server Name     `json:"server"`
	Paths  []string `json:"paths"`
}

// Refs returns layers that follow the current revisions of names.
func Refs(names ...Name) []OverlayRef {
	refs := make([]OverlayRef, len(names))
	for i, n := range names {
		refs[i] = OverlayRef{Name: n}
	}
	return refs
}
