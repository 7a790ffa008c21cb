package apitype

import (
	"time"

	"github.com/left4me/left4me/internal/left4me"
)

// Overlay is the definition of an overlay and its revisions on the host.
type Overlay struct {
	ID         left4me.ID           `json:"id,omitempty" doc:"Never reused; absent: the overlay only exists on the host's disk"`
	Name       left4me.Name         `json:"name"`
	Kind       left4me.OverlayKind  `json:"kind" enum:"files,workshop,script,git,release"`
	Note       string               `json:"note" doc:"Free-form description"`
	Workshop   *left4me.Workshop    `json:"workshop,omitempty" doc:"Only for workshop overlays"`
	Script     *left4me.Script      `json:"script,omitempty" doc:"Only for script overlays"`
	Git        *left4me.Git         `json:"git,omitempty" doc:"Only for git overlays"`
	Release    *left4me.Release     `json:"release,omitempty" doc:"Only for release overlays"`
	Refresh    left4me.Refresh      `json:"refresh" doc:"Scheduled updates"`
	Texts      string               `json:"texts,omitempty" doc:"as-is: builds keep UTF-16 and byte order marks; absent: saved as UTF-8"`
	Moves      []left4me.FolderMove `json:"moves,omitempty" doc:"Changed destinations of folders in uploads"`
	Cfg        []string             `json:"cfg" doc:"Lines added to server.cfg of each server that stacks the overlay"`
	Version    int                  `json:"version" doc:"Incremented by each change; 0: the overlay only exists on the host's disk"`
	NameOnHost left4me.Name         `json:"name_on_host,omitempty" doc:"Original name, which the host keeps using; absent: not renamed"`
	CreatedAt  time.Time            `json:"created_at,omitzero"`
	UpdatedAt  time.Time            `json:"updated_at,omitzero"`
	CheckedAt  time.Time            `json:"looked_at,omitzero" doc:"Time of the last check for updates"`
	DeletedAt  time.Time            `json:"deleted_at,omitzero" doc:"Time of the deletion; restorable until gone_at of content"`
	Content    left4me.Content      `json:"content" doc:"Revisions on the host"`
	Problem    string               `json:"problem" doc:"Reason why the host could not be reached; content is then empty"`
	Job        *JobRef              `json:"job,omitempty" doc:"The queued or running job"`
	Blueprints []left4me.Name       `json:"blueprints" doc:"Blueprints that stack the overlay"`
	Servers    []left4me.Name       `json:"servers" doc:"Servers that stack the overlay, directly or through their blueprint"`
}

// OverlayDefinition is the definition of an overlay in a request. At most one of workshop, script,
// git and release may be set, as kind requires.
type OverlayDefinition struct {
	Kind     string               `json:"kind" doc:"files, workshop, script, git or release"`
	Note     string               `json:"note,omitempty" doc:"Free-form description"`
	Workshop *left4me.Workshop    `json:"workshop,omitempty"`
	Script   *left4me.Script      `json:"script,omitempty" doc:"The script's version is read-only and ignored in requests"`
	Git      *left4me.Git         `json:"git,omitempty"`
	Release  *left4me.Release     `json:"release,omitempty"`
	Refresh  left4me.Refresh      `json:"refresh,omitempty" doc:"Scheduled updates"`
	Texts    string               `json:"texts,omitempty" doc:"as-is: builds keep UTF-16 and byte order marks; absent: saved as UTF-8"`
	Moves    []left4me.FolderMove `json:"moves,omitzero" doc:"Changed destinations of folders in uploads; absent: unchanged"`
	Cfg      []string             `json:"cfg,omitzero" doc:"Lines added to server.cfg of each server that stacks the overlay"`
}

// NewOverlay is the request to create an overlay.
type NewOverlay struct {
	Name string `json:"name"`
	OverlayDefinition
}

// ChangedOverlay is the request to change an overlay.
type ChangedOverlay struct {
	OverlayDefinition
	Version int `json:"version" doc:"Expected version: a newer one is a 409 conflict"`
}

// Build is the request to build an overlay.
type Build struct {
	Note    string           `json:"note,omitempty" doc:"Reason for the change; stored with the revision"`
	Change  *FilesChange     `json:"change,omitempty" doc:"Only for files overlays"`
	Promote *left4me.Promote `json:"promote,omitempty" doc:"Only for files overlays: files that a server wrote"`
}

// FilesChange is an edit of a files overlay.
type FilesChange struct {
	Upload  string         `json:"upload,omitempty" doc:"A complete upload with the new files"`
	Import  left4me.Import `json:"import,omitzero" doc:"How to unpack and place the upload's files"`
	Replace bool           `json:"replace,omitempty" doc:"The upload replaces all files; otherwise it is added to the existing ones"`
	Delete  []string       `json:"delete,omitempty" doc:"Paths of files or directories"`
	Once    bool           `json:"once,omitempty" doc:"Delete the upload even if the build fails; otherwise it is kept for a while"`
	Repair  []string       `json:"repair,omitempty" doc:"Text files or directories to repair, . for all; changes no other file"`
	Base    int            `json:"base,omitempty" doc:"Revision that the change is based on: later ones conflict. -1: none, 0: not checked"`
}

// OverlayRestart is the progress of restarting servers with an automatically built revision.
type OverlayRestart struct {
	Overlay   left4me.Name `json:"overlay"`
	Revision  int          `json:"revision"`
	Mode      string       `json:"mode" doc:"empty (when nobody plays) or HH:MM"`
	State     string       `json:"state" enum:"running,done,failed,cancelled"`
	Reason    string       `json:"reason" doc:"Reason for the end of the rollout"`
	CreatedAt time.Time    `json:"created_at"`
	EndedAt   time.Time    `json:"ended_at,omitzero"`
	Servers   []Move       `json:"servers" doc:"Servers already restarted, then pending ones"`
}

// ScriptVersion is a version of an overlay's script.
type ScriptVersion struct {
	Version   int       `json:"version"`
	Text      string    `json:"text"`
	By        string    `json:"by"`
	CreatedAt time.Time `json:"created_at"`
}

// RevisionLabel is the request to label a revision.
type RevisionLabel struct {
	Label string `json:"label" doc:"Label of the revision; empty removes it"`
}

// WorkshopText is a text to search for workshop items.
type WorkshopText struct {
	Text string `json:"text" doc:"Ids, links, or a whole page that contains them"`
}

// WorkshopIDs are the ids found in a text.
type WorkshopIDs struct {
	IDs []left4me.WorkshopID `json:"ids" doc:"Without duplicates, in the order of the text"`
	Bad []string             `json:"bad" doc:"Invalid words that look like ids"`
}
