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
	// SiteTarget is left4me as a whole: whatever belongs to no other target, such as
	// builds of the game, backups and settings.
	SiteTarget TargetKind = "site"
)

// ID identifies a server, blueprint, overlay or user for ever: another one never gets
// it, not even after a deletion, in a restored backup or in a new database. Names are
// for people and files; what refers to something over time keeps the id. The ids of
// users are decimal numbers.
type ID string

// Target is one object. ID is never used again for another object, while a new one
// may get the name of a deleted one; it is empty where only the name is known.
type Target struct {
	Kind TargetKind `json:"kind"`
	ID   ID         `json:"id,omitempty"`
	Name string     `json:"name,omitempty"`
}

// Is reports whether t and o are one object: by their ids, or by their names where one
// of them has no id.
func (t Target) Is(o Target) bool {
	if t.Kind != o.Kind {
		return false
	}
	if t.ID != "" && o.ID != "" {
		return t.ID == o.ID
	}
	return t.Name == o.Name
}

// Site is the target for whatever belongs to no other.
var Site = Target{Kind: SiteTarget}

// OnServer is the server of this name as a target.
func OnServer(n Name) Target { return Target{Kind: ServerTarget, Name: string(n)} }

// OnBlueprint is the blueprint of this name as a target.
func OnBlueprint(n Name) Target { return Target{Kind: BlueprintTarget, Name: string(n)} }

// OnOverlay is the overlay of this name as a target.
func OnOverlay(n Name) Target { return Target{Kind: OverlayTarget, Name: string(n)} }
