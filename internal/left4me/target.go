package left4me

// TargetKind is the kind of object that a permission or an event is about.
type TargetKind string

// The kinds of targets.
const (
	ServerTarget    TargetKind = "server"
	BlueprintTarget TargetKind = "blueprint"
	OverlayTarget   TargetKind = "overlay"
	HostTarget      TargetKind = "host"
	UserTarget      TargetKind = "user"
	// SiteTarget is left4me as a whole, for everything that belongs to no other target, such as
	// game builds, backups and settings.
	SiteTarget TargetKind = "site"
)

// ID identifies a server, blueprint, overlay or user permanently: no other object ever gets the
// same id, not even after a deletion, in a restored backup or in a new database. Names are for
// users and for files; long-lived references use the id. The ids of users are decimal numbers.
type ID string

// Target refers to one object. Another object may later get the name of a deleted one, but never
// its ID. ID is empty where only the name is known.
type Target struct {
	Kind TargetKind `json:"kind"`
	ID   ID         `json:"id,omitempty"`
	Name string     `json:"name,omitempty"`
}

// Is reports whether t and o refer to the same object. It compares the ids, or the names if an id
// is missing.
func (t Target) Is(o Target) bool {
	if t.Kind != o.Kind {
		return false
	}
	if t.ID != "" && o.ID != "" {
		return t.ID == o.ID
	}
	return t.Name == o.Name
}

// Site is the target for everything that belongs to no other target.
var Site = Target{Kind: SiteTarget}

// OnServer returns the server with this name as a target.
func OnServer(n Name) Target { return Target{Kind: ServerTarget, Name: string(n)} }

// OnBlueprint returns the blueprint with this name as a target.
func OnBlueprint(n Name) Target { return Target{Kind: BlueprintTarget, Name: string(n)} }

// OnOverlay returns the overlay with this name as a target.
func OnOverlay(n Name) Target { return Target{Kind: OverlayTarget, Name: string(n)} }
