package left4me

import "time"

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
