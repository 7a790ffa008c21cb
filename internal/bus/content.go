package bus

import (
	"cmp"

	"github.com/left4me/left4me/internal/left4me"
)

// Verbs of Command on content.
const (
	VerbCurrents   = "currents"    // Empty → Currents
	VerbContents   = "contents"    // Empty → []left4me.Content, deleted ones among them, without details
	VerbContent    = "content"     // OverlayRequest → left4me.Content, with details of the revision asked for (0: the current one)
	VerbTree       = "tree"        // TreeRequest → left4me.Page[left4me.TreeFile], of a revision
	VerbDiff       = "diff"        // DiffRequest → left4me.Page[left4me.FileChange]
	VerbFile       = "file"        // FileRequest → FileAnswer
	VerbLabel      = "label"       // LabelRequest → left4me.Content
	VerbUse        = "use"         // OverlayRequest → left4me.Content: makes that revision the current one
	VerbDropRev    = "drop-rev"    // OverlayRequest → left4me.Content: removes that revision; Busy when it is in use
	VerbPlan       = "plan"        // PlanRequest → left4me.Plan
	VerbWorkshop   = "workshop"    // left4me.Workshop → []left4me.WorkshopState: what Steam says of the items, nothing is downloaded
	VerbCampaigns  = "campaigns"   // StackRequest → []left4me.Campaign, of the game first
	VerbClashes    = "clashes"     // StackRequest → []left4me.Warning: what its overlays have in common
	VerbStack      = "stack"       // StackRequest → left4me.Page[left4me.TreeFile], of the merged tree
	VerbStackDiff  = "stack-diff"  // StackDiffRequest → left4me.Page[left4me.FileChange]
	VerbStackFile  = "stack-file"  // StackRequest with Path → FileAnswer
	VerbUpper      = "upper"       // UpperRequest → left4me.Page[left4me.TreeFile]: what a server wrote
	VerbConfigDiff = "config-diff" // left4me.Spec → ConfigDiff: what would be generated against what runs
)

// KindContent of Broadcast: Currents, whenever another revision of an overlay is the
// current one.
const KindContent = "content"

// Currents are the revisions that servers of a host start with from now on, of
// all overlays that have one.
type Currents struct {
	V         int                  `json:"v"`
	Revisions map[left4me.Name]int `json:"revisions"`
}

// OverlayRequest names an overlay and maybe a revision of it.
type OverlayRequest struct {
	V        int          `json:"v"`
	Overlay  left4me.Name `json:"overlay"`
	Revision int          `json:"revision,omitempty"`
}

// TreeRequest asks for a page of a revision's files.
type TreeRequest = left4me.TreeRequest

// Filter is which part of a tree is wanted.
type Filter = left4me.Filter

// DiffRequest asks how two revisions differ.
type DiffRequest = left4me.DiffRequest

// FileRequest asks for what a file of a revision holds.
type FileRequest = left4me.FileRequest

// MaxFile is how much of a file an answer brings.
const MaxFile = left4me.MaxFile

// FileAnswer is what a file holds.
type FileAnswer = left4me.FileAnswer

// LabelRequest names a revision.
type LabelRequest struct {
	V        int          `json:"v"`
	Overlay  left4me.Name `json:"overlay"`
	Revision int          `json:"revision"`
	Label    string       `json:"label"`
}

// PlanRequest asks what an import would do.
type PlanRequest struct {
	V       int            `json:"v"`
	Overlay left4me.Name   `json:"overlay"`
	Change  left4me.Change `json:"change"`
}

// StackRequest asks for the merged tree of a stack. Server adds its generated
// configuration and what it wrote, if Written.
type StackRequest struct {
	V       int          `json:"v"`
	Spec    left4me.Spec `json:"spec"`
	Written bool         `json:"written,omitempty"`
	Path    string       `json:"path,omitempty"`
	Inside  string       `json:"inside,omitempty"`
	Hint    string       `json:"hint,omitempty"` // encoding of titles that are too short to tell
	Shown   Shown        `json:"shown,omitempty"`
	Filter
}

// StackDiffRequest asks how two stacks differ.
type StackDiffRequest struct {
	V    int          `json:"v"`
	From left4me.Spec `json:"from"`
	To   left4me.Spec `json:"to"`
	// Running compares with what From has mounted now, not with what it would
	// start with.
	Running bool   `json:"running,omitempty"`
	After   string `json:"after,omitempty"`
	Limit   int    `json:"limit,omitempty"`
}

// UpperRequest asks for what a server wrote.
type UpperRequest struct {
	V      int          `json:"v"`
	Server left4me.Name `json:"server"`
	Shown  Shown        `json:"shown,omitempty"`
	Filter
}

// Shown are the names that people have for overlays, by those that the host has, where these
// are others. Answers say them.
type Shown map[left4me.Name]left4me.Name

// Name is what people call an overlay of the host.
func (s Shown) Name(host left4me.Name) left4me.Name { return cmp.Or(s[host], host) }

// DiscardSpec is what a host is told of a left4me.DiscardUpper job.
type DiscardSpec struct {
	Server left4me.Name `json:"server"`
	Paths  []string     `json:"paths"`
}

// CollectSpec is what a host is told of a left4me.CollectContent job.
type CollectSpec = left4me.CollectSpec

// ConfigDiff is how the generated files of a server would change.
type ConfigDiff struct {
	V     int          `json:"v"`
	Files []ConfigFile `json:"files"`
}

// ConfigFile is one generated file.
type ConfigFile struct {
	Path    string `json:"path"`
	Running string `json:"running"` // empty: there is none
	Next    string `json:"next"`
}
