package left4me

import (
	"cmp"
	"encoding"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// OverlayKind is where the files of an overlay come from.
type OverlayKind string

// The kinds.
const (
	FilesOverlay    OverlayKind = "files"    // what people upload and edit
	WorkshopOverlay OverlayKind = "workshop" // items and collections of the Steam workshop
	ScriptOverlay   OverlayKind = "script"   // what a shell script writes
	GitOverlay      OverlayKind = "git"      // a commit of a Git repository
	ReleaseOverlay  OverlayKind = "release"  // the assets of a GitHub release
)

// OverlayRef names an overlay as a layer of a stack. As text it is "maps", which
// follows the overlay's current revision, or "maps@3", which stays at the third.
type OverlayRef struct {
	Name     Name
	Revision int // 0: the current one
}

var (
	_ encoding.TextMarshaler   = OverlayRef{}
	_ encoding.TextUnmarshaler = (*OverlayRef)(nil)
)

// ParseOverlayRef reads "maps" or "maps@3". Errors: Invalid.
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

// MarshalText writes it as String does.
func (r OverlayRef) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads what ParseOverlayRef does.
func (r *OverlayRef) UnmarshalText(b []byte) (err error) {
	*r, err = ParseOverlayRef(string(b))
	return err
}

// Overlay is the definition of an overlay, as people made it. Of Workshop,
// Script, Git and Release only the one of its kind is set.
type Overlay struct {
	ID       ID          `json:"id,omitempty"`
	Name     Name        `json:"name"`
	Kind     OverlayKind `json:"kind"`
	Note     string      `json:"note,omitempty"` // what it is for, in people's words
	Workshop *Workshop   `json:"workshop,omitempty"`
	Script   *Script     `json:"script,omitempty"`
	Git      *Git        `json:"git,omitempty"`
	Release  *Release    `json:"release,omitempty"`
	Refresh  Refresh     `json:"refresh"`
	// Moves are folders of uploads and archives that go elsewhere than where they
	// would. What people move in an upload is remembered here for the next one.
	Moves     []FolderMove `json:"moves,omitempty"`
	Texts     string       `json:"texts,omitempty"` // what builds do with texts that are no plain UTF-8; see Import.Texts
	Cfg       []string     `json:"cfg,omitempty"`   // raw lines for server.cfg of each server that stacks it
	Version   int          `json:"version"`         // counts changes of the definition: who changes it says which one they saw
	CreatedAt time.Time    `json:"created_at"`
	UpdatedAt time.Time    `json:"updated_at"`
	// HostName is the name that it has on its host, from before it was renamed; empty when
	// that is Name.
	HostName Name `json:"-"`
}

// OnHost is the name that its host uses: that of its directory.
func (v Overlay) OnHost() Name { return cmp.Or(v.HostName, v.Name) }

// Target is v as a target.
func (v Overlay) Target() Target { return Target{Kind: OverlayTarget, ID: v.ID, Name: string(v.Name)} }

// Refresh is when an overlay is brought up to date by itself, and what servers
// that run on the older revision do then.
type Refresh struct {
	Hours   int    `json:"hours" doc:"Between two checks; 0 is never"`
	At      string `json:"at,omitempty" doc:"HH:MM in the host's time zone; absent: any time"`
	Restart string `json:"restart,omitempty" doc:"Of servers with the older revision: never (the default), empty or HH:MM"`
}

// Script is the shell script that writes an overlay.
type Script struct {
	Text    string `json:"text"`
	Version int    `json:"version,omitempty"` // counts its changes; older ones are kept
}

// Git says which part of which commit of a repository makes an overlay.
type Git struct {
	URL    string   `json:"url"`              // https://…
	Ref    string   `json:"ref,omitempty"`    // branch, tag or commit; empty is the default branch
	Subdir string   `json:"subdir,omitempty"` // only what is beneath
	Keep   []string `json:"keep,omitempty"`   // paths or globs of the current revision that a newer one doesn't replace
}

// Release says which assets of which release make an overlay.
type Release struct {
	Repository string   `json:"repository"`       // owner/name on GitHub
	Tag        string   `json:"tag,omitempty"`    // empty is the latest
	Asset      string   `json:"asset"`            // glob: l4d2-*.zip
	Subdir     string   `json:"subdir,omitempty"` // of the archive
	Keep       []string `json:"keep,omitempty"`
}

// The kinds of jobs on overlays.
const (
	BuildOverlay   JobKind = "overlay.build"   // makes a revision, if anything changed
	DeleteOverlay  JobKind = "overlay.delete"  // puts all revisions aside
	RestoreOverlay JobKind = "overlay.restore" // takes them back
	CollectContent JobKind = "content.collect" // target: the host; removes revisions and downloads that nothing needs
	DiscardUpper   JobKind = "server.discard"  // drops files that a server wrote
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

// BuildSpec is what a host is told of a BuildOverlay job: the definition, and
// for a files overlay what to do with it.
type BuildSpec struct {
	Overlay Overlay  `json:"overlay"`
	Note    string   `json:"note,omitempty"` // why, in people's words; stays with the revision
	By      string   `json:"by"`
	Change  *Change  `json:"change,omitempty"`  // of a files overlay
	Promote *Promote `json:"promote,omitempty"` // of a files overlay
	// PromoteFrom is the name that the host uses for the server of Promote, when it is
	// another one.
	PromoteFrom Name `json:"promote_from,omitempty"`
	PromoteID   ID   `json:"promote_id,omitempty"` // of that server
	// NamesHint is what names in archives are taken for that are too short to tell.
	NamesHint string `json:"names_hint,omitempty"`
}

// Change is an edit of a files overlay: a revision with some files more, other
// or less.
type Change struct {
	Upload  string   `json:"upload,omitempty"`  // the finished upload that has the new files
	Import  Import   `json:"import"`            // how its archives and loose files are understood
	Replace bool     `json:"replace,omitempty"` // the upload is all there will be; else it goes over what is there
	Delete  []string `json:"delete,omitempty"`  // paths, of files or directories
	// Once says that who sent the upload has it still, and sends it again: it goes
	// even when nothing comes of it. Else it stays, for a build that understands it
	// in another way.
	Once bool `json:"once,omitempty"`
	// Repair names texts of the current revision, or directories with some, that are
	// repaired: what the game or SourceMod reads otherwise than it looks. "." is all
	// of them. It is the one change that overlays of all kinds take.
	Repair []string `json:"repair,omitempty"`
	// Base is the revision that was looked at, or NoRevision; 0 doesn't care. A
	// path that is changed here and was changed since is a Conflict.
	Base int `json:"base,omitempty"`
}

// NoRevision is the base of a change by somebody who saw that there was none.
const NoRevision = -1

// Promote takes files that a server wrote into an overlay.
type Promote struct {
	Server Name     `json:"server"`
	Paths  []string `json:"paths"`
}

// Refs turns names into layers that follow their current revisions.
func Refs(names ...Name) []OverlayRef {
	refs := make([]OverlayRef, len(names))
	for i, n := range names {
		refs[i] = OverlayRef{Name: n}
	}
	return refs
}
