package apitype

import (
	"time"

	"github.com/left4me/left4me/internal/left4me"
)

// Overlay is a named piece of content: where its files come from, and what the
// host has of it.
type Overlay struct {
	ID         left4me.ID           `json:"id,omitempty" doc:"Never used again; absent: found only on the host's disk"`
	Name       left4me.Name         `json:"name"`
	Kind       left4me.OverlayKind  `json:"kind" enum:"files,workshop,script,git,release"`
	Note       string               `json:"note" doc:"What it is for"`
	Workshop   *left4me.Workshop    `json:"workshop,omitempty" doc:"Of a workshop overlay"`
	Script     *left4me.Script      `json:"script,omitempty" doc:"Of a script overlay"`
	Git        *left4me.Git         `json:"git,omitempty" doc:"Of a git overlay"`
	Release    *left4me.Release     `json:"release,omitempty" doc:"Of a release overlay"`
	Refresh    left4me.Refresh      `json:"refresh" doc:"When it is brought up to date by itself"`
	Texts      string               `json:"texts,omitempty" doc:"as-is: builds keep UTF-16 and byte order marks; absent: saved as UTF-8"`
	Moves      []left4me.FolderMove `json:"moves,omitempty" doc:"Places of folders in uploads, instead of the default"`
	Cfg        []string             `json:"cfg" doc:"Lines for server.cfg of each server that stacks it"`
	Version    int                  `json:"version" doc:"Counts changes of the definition; 0: found only on the host's disk"`
	NameOnHost left4me.Name         `json:"name_on_host,omitempty" doc:"Its first name, which its host goes on to use; absent: the same"`
	CreatedAt  time.Time            `json:"created_at,omitzero"`
	UpdatedAt  time.Time            `json:"updated_at,omitzero"`
	CheckedAt  time.Time            `json:"looked_at,omitzero" doc:"When somebody last looked for something newer"`
	DeletedAt  time.Time            `json:"deleted_at,omitzero" doc:"It is set aside, and can be taken back until gone_at of the content"`
	Content    left4me.Content      `json:"content" doc:"Its revisions on the host"`
	Problem    string               `json:"problem" doc:"Why the host could not be asked; then there is no content"`
	Job        *JobRef              `json:"job,omitempty" doc:"The one that is queued or runs"`
	Blueprints []left4me.Name       `json:"blueprints" doc:"That stack it"`
	Servers    []left4me.Name       `json:"servers" doc:"That stack it, by their blueprint or themselves"`
}

// OverlayDefinition is what people say of an overlay. Of workshop, script, git
// and release only the one of its kind may be there.
type OverlayDefinition struct {
	Kind     string               `json:"kind" doc:"files, workshop, script, git or release"`
	Note     string               `json:"note,omitempty" doc:"What it is for"`
	Workshop *left4me.Workshop    `json:"workshop,omitempty"`
	Script   *left4me.Script      `json:"script,omitempty" doc:"Its version is counted by left4me; one that is sent is overlooked"`
	Git      *left4me.Git         `json:"git,omitempty"`
	Release  *left4me.Release     `json:"release,omitempty"`
	Refresh  left4me.Refresh      `json:"refresh,omitempty" doc:"Scheduled updates"`
	Texts    string               `json:"texts,omitempty" doc:"as-is: builds keep UTF-16 and byte order marks; absent: saved as UTF-8"`
	Moves    []left4me.FolderMove `json:"moves,omitzero" doc:"Places of folders in uploads, instead of the default; absent: unchanged"`
	Cfg      []string             `json:"cfg,omitzero" doc:"Lines for server.cfg of each server that stacks it"`
}

// NewOverlay is what an overlay is created from.
type NewOverlay struct {
	Name string `json:"name"`
	OverlayDefinition
}

// ChangedOverlay replaces a definition.
type ChangedOverlay struct {
	OverlayDefinition
	Version int `json:"version" doc:"The one that was looked at: when somebody else changed it since, nothing is changed"`
}

// Build is what a build is asked for with.
type Build struct {
	Note    string           `json:"note,omitempty" doc:"Why; it stays with the revision"`
	Change  *FilesChange     `json:"change,omitempty" doc:"Of a files overlay"`
	Promote *left4me.Promote `json:"promote,omitempty" doc:"Of a files overlay: files that a server wrote"`
}

// FilesChange is an edit of a files overlay.
type FilesChange struct {
	Upload  string         `json:"upload,omitempty" doc:"The finished upload that has the new files"`
	Import  left4me.Import `json:"import,omitzero" doc:"How its archives and loose files are understood"`
	Replace bool           `json:"replace,omitempty" doc:"The upload is all there will be; else it goes over what is there"`
	Delete  []string       `json:"delete,omitempty" doc:"Paths of files or directories"`
	Once    bool           `json:"once,omitempty" doc:"Delete the upload even if the build fails; otherwise it is kept for a while"`
	Repair  []string       `json:"repair,omitempty" doc:"Texts or directories to repair for the game, . for all; changes nothing else"`
	Base    int            `json:"base,omitempty" doc:"Revision that the change is based on: later ones conflict. -1: none, 0: not checked"`
}

// OverlayRestart is how servers move over to a revision that came by itself.
type OverlayRestart struct {
	Overlay   left4me.Name `json:"overlay"`
	Revision  int          `json:"revision"`
	Mode      string       `json:"mode" doc:"empty or HH:MM"`
	State     string       `json:"state" enum:"running,done,failed,cancelled"`
	Reason    string       `json:"reason" doc:"Why it ended as it did"`
	CreatedAt time.Time    `json:"created_at"`
	EndedAt   time.Time    `json:"ended_at,omitzero"`
	Servers   []Move       `json:"servers" doc:"Those that were restarted, then those that have yet to be"`
}

// ScriptVersion is a version of an overlay's script.
type ScriptVersion struct {
	Version   int       `json:"version"`
	Text      string    `json:"text"`
	By        string    `json:"by"`
	CreatedAt time.Time `json:"created_at"`
}

// RevisionLabel names a revision.
type RevisionLabel struct {
	Label string `json:"label" doc:"What people call it; empty takes it away"`
}

// WorkshopText is a text in which somebody looks for workshop items.
type WorkshopText struct {
	Text string `json:"text" doc:"Numbers, links, or a page full of them"`
}

// WorkshopIDs are the ids that were found in a text.
type WorkshopIDs struct {
	IDs []left4me.WorkshopID `json:"ids" doc:"Each once and in order"`
	Bad []string             `json:"bad" doc:"What looks like an id and is none"`
}
