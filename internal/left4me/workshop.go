package left4me

import "time"

// WorkshopID is the number of a workshop item or collection, in decimal digits.
type WorkshopID string

// Workshop lists the items of a workshop overlay.
type Workshop struct {
	Entries []WorkshopEntry `json:"entries"`
	Exclude []WorkshopID    `json:"exclude,omitempty"` // items of collections to exclude
	Names   string          `json:"names,omitempty"`   // naming of files: "id" (the default) or "original"
}

// WorkshopEntry is an item, or a collection with all its items.
type WorkshopEntry struct {
	ID     WorkshopID   `json:"id"`
	Frozen []WorkshopID `json:"frozen,omitempty"` // items of a collection when it was frozen; if empty, the collection is kept in sync
}

// WorkshopState is the result for one workshop item.
type WorkshopState struct {
	ID          WorkshopID   `json:"id"`
	Title       string       `json:"title,omitempty"`
	State       string       `json:"state"`           // one of the Item constants
	Text        string       `json:"text,omitempty"`  // English text of Notes
	Notes       Notes        `json:"notes,omitempty"` // reason for the state; empty from a host without codes
	File        string       `json:"file,omitempty"`  // path in the layer
	Size        int64        `json:"size,omitempty"`
	UpdatedAt   time.Time    `json:"updated_at,omitzero"` // last update by the author
	Picture     string       `json:"picture,omitempty"`   // URL
	Tags        []string     `json:"tags,omitempty"`
	Collections []WorkshopID `json:"collections,omitempty"` // collections that contain the item
	Children    []WorkshopID `json:"children,omitempty"`    // items of a collection
}

// The states of a workshop item.
const (
	ItemReady      = "ready"      // available for download; only in previews
	ItemFresh      = "fresh"      // downloaded
	ItemKept       = "kept"       // already present
	ItemCollection = "collection" // a collection, not an item
	ItemPrivate    = "private"
	ItemDeleted    = "deleted"
	ItemBanned     = "banned"
	ItemNoFile     = "no-file"   // Steam provides no download address
	ItemWrongApp   = "wrong-app" // belongs to another game
	ItemThrottled  = "throttled" // Steam rate-limits requests; the old version stays in use
	ItemFailed     = "failed"    // Text states the reason
	ItemExcluded   = "excluded"
)
