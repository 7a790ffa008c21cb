package bus

import (
	"cmp"

	"github.com/left4me/left4me/internal/left4me"
)

// Verbs of Command for overlays and their content.
const (
	VerbCurrents   = "currents"    // Empty → Currents
	VerbContents   = "contents"    // Empty → []left4me.Content, including deleted ones, without details
	VerbContent    = "content"     // OverlayRequest → left4me.Content, with details of the requested revision (0: the current one)
	VerbTree       = "tree"        // TreeRequest → left4me.Page[left4me.TreeFile], of a revision
	VerbDiff       = "diff"        // DiffRequest → left4me.Page[left4me.FileChange]
	VerbFile       = "file"        // FileRequest → FileAnswer
	VerbLabel      = "label"       // LabelRequest → left4me.Content
	VerbUse        = "use"         // OverlayRequest → left4me.Content: makes a revision the current one
	VerbDropRev    = "drop-rev"    // OverlayRequest → left4me.Content: deletes a revision; Busy if it is in use
	VerbPlan       = "plan"        // PlanRequest → left4me.Plan
	VerbWorkshop   = "workshop"    // left4me.Workshop → []left4me.WorkshopState: queries Steam for the items without downloading them
	VerbCampaigns  = "campaigns"   // StackRequest → []left4me.Campaign, those of the game first
	VerbClashes    = "clashes"     // StackRequest → []left4me.Warning: conflicts between overlays
	VerbStack      = "stack"       // StackRequest → left4me.Page[left4me.TreeFile], of the merged tree
	VerbStackDiff  = "stack-diff"  // StackDiffRequest → left4me.Page[left4me.FileChange]
	VerbStackFile  = "stack-file"  // StackRequest with Path → FileAnswer
	VerbUpper      = "upper"       // UpperRequest → left4me.Page[left4me.TreeFile]: a server's writable layer
	VerbConfigDiff = "config-diff" // left4me.Spec → ConfigDiff: generated files, new versus running
)

// KindContent is a kind of Broadcast: Currents, whenever the current revision of an overlay
// changes.
const KindContent = "content"

// Currents holds the current revisions on a host, of all overlays that have one.
type Currents struct {
	V         int                  `json:"v"`
	Revisions map[left4me.Name]int `json:"revisions"`
}

// OverlayRequest names an overlay and optionally a revision of it.
type OverlayRequest struct {
	V        int          `json:"v"`
	Overlay  left4me.Name `json:"overlay"`
	Revision int          `json:"revision,omitempty"`
}

// TreeRequest requests a page of a revision's files.
type TreeRequest = left4me.TreeRequest

// Filter selects a part of a tree.
type Filter = left4me.Filter

// DiffRequest requests the differences between two revisions.
type DiffRequest = left4me.DiffRequest

// FileRequest requests the contents of a file of a revision.
type FileRequest = left4me.FileRequest

// MaxFile is the maximum number of bytes of a file in an answer.
const MaxFile = left4me.MaxFile

// FileAnswer holds the contents of a file.
type FileAnswer = left4me.FileAnswer

// LabelRequest labels a revision.
type LabelRequest struct {
	V        int          `json:"v"`
	Overlay  left4me.Name `json:"overlay"`
	Revision int          `json:"revision"`
	Label    string       `json:"label"`
}

// PlanRequest requests a preview of an import.
type PlanRequest struct {
	V       int            `json:"v"`
	Overlay left4me.Name   `json:"overlay"`
	Change  left4me.Change `json:"change"`
}

// StackRequest requests the merged tree of a stack. If Spec names a server, its generated
// configuration is included, and with Written also its writable layer.
type StackRequest struct {
	V       int          `json:"v"`
	Spec    left4me.Spec `json:"spec"`
	Written bool         `json:"written,omitempty"`
	Path    string       `json:"path,omitempty"`
	Inside  string       `json:"inside,omitempty"`
	Hint    string       `json:"hint,omitempty"` // encoding of titles that are too short for detection
	Shown   Shown        `json:"shown,omitempty"`
	Filter
}

// StackDiffRequest requests the differences between two stacks.
type StackDiffRequest struct {
	V    int          `json:"v"`
	From left4me.Spec `json:"from"`
	To   left4me.Spec `json:"to"`
	// Running uses what From has mounted now, instead of what it would start with.
	Running bool   `json:"running,omitempty"`
	After   string `json:"after,omitempty"`
	Limit   int    `json:"limit,omitempty"`
}

// UpperRequest requests a server's writable layer.
type UpperRequest struct {
	V      int          `json:"v"`
	Server left4me.Name `json:"server"`
	Shown  Shown        `json:"shown,omitempty"`
	Filter
}

// Shown maps the host's names of overlays to the current ones where they differ. Answers use the
// current names.
type Shown map[left4me.Name]left4me.Name

// Name returns the current name of an overlay for its host name.
func (s Shown) Name(host left4me.Name) left4me.Name { return cmp.Or(s[host], host) }

// DiscardSpec is the spec of a left4me.DiscardUpper job.
type DiscardSpec struct {
	Server left4me.Name `json:"server"`
	Paths  []string     `json:"paths"`
}

// CollectSpec is the spec of a left4me.CollectContent job.
type CollectSpec = left4me.CollectSpec

// ConfigDiff lists changes of a server's generated files.
type ConfigDiff struct {
	V     int          `json:"v"`
	Files []ConfigFile `json:"files"`
}

// ConfigFile is one generated file.
type ConfigFile struct {
	Path    string `json:"path"`
	Running string `json:"running"` // empty: doesn't exist
	Next    string `json:"next"`
}
