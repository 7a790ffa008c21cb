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

// WorkshopID is the number of a workshop item or collection, in decimal digits.
type WorkshopID string

// Workshop says which items make an overlay.
type Workshop struct {
	Entries []WorkshopEntry `json:"entries"`
	Exclude []WorkshopID    `json:"exclude,omitempty"` // items of collections that are left out
	Names   string          `json:"names,omitempty"`   // what files are called: "id" (the default) or "original"
}

// WorkshopEntry is what somebody added: an item, or a collection with all that
// is in it.
type WorkshopEntry struct {
	ID     WorkshopID   `json:"id"`
	Frozen []WorkshopID `json:"frozen,omitempty"` // a collection as it was when it was frozen; without, it is kept in sync
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

// Import is how uploaded files are understood.
type Import struct {
	Exact  bool   `json:"exact,omitempty"`  // paths are as they shall be in the layer, archives stay archives
	Subdir string `json:"subdir,omitempty"` // of an archive: only what is beneath
	Root   string `json:"root,omitempty"`   // where it goes: left4dead2, left4dead2/addons, …; empty: it is found out
	Names  string `json:"names,omitempty"`  // encoding of names that say none: gbk, big5, shift_jis, cp1251, …; empty: it is found out
	// NamesHint is what names that are too short to tell are taken for. Empty: the
	// setting of names in archives.
	NamesHint string `json:"names_hint,omitempty"`
	// Texts: "as-is" leaves byte order marks and UTF-16 in texts for the game; empty: they are saved as UTF-8.
	Texts string       `json:"texts,omitempty"`
	Moves []FolderMove `json:"moves,omitempty"` // folders and files that go elsewhere than where they would
}

// FolderMove says where a folder or file of an upload goes.
type FolderMove struct {
	From string `json:"from"` // in the upload; beneath its only folder at the top, if it has one
	To   string `json:"to"`   // in the layer: left4dead2/cfg; "-" leaves it out; empty: it is found out
}

// MergeMoves is what was moved before with what is moved now over it. One that goes
// nowhere is forgotten.
func MergeMoves(before, now []FolderMove) (all []FolderMove) {
	for _, m := range JoinMoves(before, now) {
		if m.To != "" {
			all = append(all, m)
		}
	}
	return all
}

// JoinMoves is MergeMoves with those that go nowhere: over what an overlay remembers,
// they make it forget.
func JoinMoves(before, now []FolderMove) (all []FolderMove) {
	last := map[string]int{}
	for _, m := range append(append([]FolderMove(nil), before...), now...) {
		if i, ok := last[m.From]; ok {
			all[i].To = m.To
			continue
		}
		last[m.From] = len(all)
		all = append(all, m)
	}
	return all
}

// Promote takes files that a server wrote into an overlay.
type Promote struct {
	Server Name     `json:"server"`
	Paths  []string `json:"paths"`
}

// Plan is what an import would do.
type Plan struct {
	Root     string       `json:"root"`  // the directory of the layer that all files go to
	Strip    string       `json:"strip"` // what is left off in front of all of their names
	Files    []PlanFile   `json:"files"` // the first MaxPlanFiles
	Count    int          `json:"count"` // of all
	Bytes    int64        `json:"bytes"`
	Skipped  []string     `json:"skipped,omitempty"`   // the first that are left out, and why
	Left     []PlanLeft   `json:"left,omitempty"`      // all that is left out, by reason
	Asks     []PlanAsk    `json:"asks,omitempty"`      // where several places are as good
	Asked    int          `json:"asked,omitempty"`     // files that a question is about
	Dirs     []PlanDir    `json:"dirs,omitempty"`      // the upload as a tree, in its order; the first MaxPlanFiles
	MoreDirs int          `json:"more_dirs,omitempty"` // how many more of these there are
	Moves    []FolderMove `json:"moves,omitempty"`     // what was moved, now and in uploads before
	Repairs  []string     `json:"repairs,omitempty"`   // texts that will be saved as UTF-8, and why; Import.Texts turns it off
	Warnings []Warning    `json:"warnings,omitempty"`
	Problem  *Error       `json:"problem,omitempty"` // why it will be refused
	Names    *PlanNames   `json:"names,omitempty"`   // of archives that don't say in which encoding theirs are
}

// PlanNames is how names in an archive are read that doesn't say it.
type PlanNames struct {
	Encoding string    `json:"encoding"`
	Guess    bool      `json:"guess,omitempty"` // they are too short to tell
	Examples []NamesIn `json:"examples"`        // some names in each encoding that they can be read in, first as they are read now
}

// NamesIn is what some names are in an encoding.
type NamesIn struct {
	Encoding string   `json:"encoding"`
	Names    []string `json:"names"`
}

// MaxPlanFiles is how many files a Plan names.
const MaxPlanFiles = 500

// PlanFile is a file that an import would write.
type PlanFile struct {
	Path string `json:"path"`
	From string `json:"from,omitempty"` // what it is called where it comes from, if that is something else
	Size int64  `json:"size"`
	Over bool   `json:"over,omitempty"` // there is one in the current revision
	Why  string `json:"why,omitempty"`  // why it goes there
}

// PlanDir is a folder of an upload of which all goes one way, one whose parts go
// several ways and follow it, or a file.
type PlanDir struct {
	From  string `json:"from"` // in the upload, as FolderMove names it
	Dir   bool   `json:"dir,omitempty"`
	To    string `json:"to,omitempty"`  // in the layer; empty with a reason: it is left out
	Why   string `json:"why,omitempty"` // empty: its parts follow
	Count int    `json:"count"`         // files
	Bytes int64  `json:"bytes"`
	Asked bool   `json:"asked,omitempty"` // a question is about some of it
}

// PlanLeft is what is left out for one reason.
type PlanLeft struct {
	Why   string   `json:"why"`
	Count int      `json:"count"`
	Files []string `json:"files"` // the first few
}

// PlanAsk is a question of a plan. The first choice is what happens without an
// answer; to choose another, send its moves with the import.
type PlanAsk struct {
	Text    string       `json:"text"`
	Count   int          `json:"count"` // files that it is about
	Files   []string     `json:"files"` // the first few, as FolderMove names them
	Choices []PlanChoice `json:"choices"`
}

// PlanChoice is an answer to a PlanAsk.
type PlanChoice struct {
	Text  string       `json:"text"`
	Moves []FolderMove `json:"moves"`
}

// TextsAsIs leaves texts as they came.
const TextsAsIs = "as-is"

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

// Campaign is a campaign as its mission file tells it.
type Campaign struct {
	ID          string               `json:"id"` // Name of the mission
	Title       string               `json:"title"`
	Author      string               `json:"author,omitempty"`
	Version     string               `json:"version,omitempty"`
	Description string               `json:"description,omitempty"`
	File        string               `json:"file,omitempty"`    // path of its add-on in the layer; empty: loose, or of the game
	Mission     string               `json:"mission,omitempty"` // path of the mission in it
	Overlay     Name                 `json:"overlay,omitempty"` // empty: of the game
	Image       string               `json:"image,omitempty"`   // path of a picture in File that browsers can show, or empty
	Modes       map[string][]Chapter `json:"modes"`
}

// Chapter is one map of a campaign.
type Chapter struct {
	Number int    `json:"number"`
	Map    string `json:"map"` // what map and changelevel take
	Title  string `json:"title"`
	Image  string `json:"image,omitempty"`
}

// WorkshopState is what became of a workshop item.
type WorkshopState struct {
	ID          WorkshopID   `json:"id"`
	Title       string       `json:"title,omitempty"`
	State       string       `json:"state"` // see the Item constants
	Text        string       `json:"text,omitempty"`
	File        string       `json:"file,omitempty"` // in the layer
	Size        int64        `json:"size,omitempty"`
	UpdatedAt   time.Time    `json:"updated_at,omitzero"` // by its author
	Picture     string       `json:"picture,omitempty"`   // address
	Tags        []string     `json:"tags,omitempty"`
	Collections []WorkshopID `json:"collections,omitempty"` // through which it came
	Children    []WorkshopID `json:"children,omitempty"`    // of a collection
}

// What can become of a workshop item.
const (
	ItemReady      = "ready"      // could be downloaded; only where nothing is
	ItemFresh      = "fresh"      // downloaded
	ItemKept       = "kept"       // had already
	ItemCollection = "collection" // not an item but a collection
	ItemPrivate    = "private"
	ItemDeleted    = "deleted"
	ItemBanned     = "banned"
	ItemNoFile     = "no-file"   // Steam gives no address for it
	ItemWrongApp   = "wrong-app" // of another game
	ItemThrottled  = "throttled" // Steam answers too many requests; the old version stays in use
	ItemFailed     = "failed"    // Text says why
	ItemExcluded   = "excluded"
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

// Refs turns names into layers that follow their current revisions.
func Refs(names ...Name) []OverlayRef {
	refs := make([]OverlayRef, len(names))
	for i, n := range names {
		refs[i] = OverlayRef{Name: n}
	}
	return refs
}
