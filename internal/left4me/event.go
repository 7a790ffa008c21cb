package left4me

import (
	"encoding/json"
	"time"
)

// Event records a change. It is written in the transaction of the change, so either both are
// committed or neither is.
type Event struct {
	// Position orders events. Positions increase and are never reused; a change that was rolled
	// back leaves a gap.
	Position int64     `json:"position"`
	Kind     EventKind `json:"kind"`
	Target   Target    `json:"target"`
	Actor    Actor     `json:"actor"`
	At       time.Time `json:"at"` // in ms, by left4me's clock, which may be set back
	// Version is the version of Data's format. It is raised when a member is removed or changes its
	// meaning, but not for new members.
	Version int             `json:"version"`
	Data    json.RawMessage `json:"data"` // an object; EventKind documents its type
}

// Read decodes Data into the type of the event's kind.
func (e Event) Read(into any) error { return json.Unmarshal(e.Data, into) }

// EventVersion is the version of the data of all events that this program writes.
const EventVersion = 1

// EventKind is the kind of an event, as NOUN.VERB.
type EventKind string

// The kinds of events. A report of a host becomes an event when control stores it; states between
// two reports are not recorded.
const (
	JobAdded EventKind = "job.added" // JobEvent; the target is the job's target
	JobEnded EventKind = "job.ended" // JobEvent

	ServerCreated      EventKind = "server.created"  // DefinitionEvent
	ServerChanged      EventKind = "server.changed"  // DefinitionEvent
	ServerRenamed      EventKind = "server.renamed"  // RenameEvent; the target has the new name
	ServerDeleted      EventKind = "server.deleted"  // no members; it can be restored
	ServerRestored     EventKind = "server.restored" // DefinitionEvent
	ServerDropped      EventKind = "server.dropped"  // no members; a deleted server was removed permanently
	ServerStateChanged EventKind = "server.state"    // ReportEvent of a ServerState
	ServerCrashed      EventKind = "server.crashed"  // CrashEvent
	ServerHeld         EventKind = "server.held"     // HeldEvent

	BlueprintCreated EventKind = "blueprint.created" // DefinitionEvent
	BlueprintChanged EventKind = "blueprint.changed" // DefinitionEvent
	BlueprintRenamed EventKind = "blueprint.renamed" // RenameEvent; the target has the new name
	BlueprintDeleted EventKind = "blueprint.deleted" // no members

	OverlayCreated  EventKind = "overlay.created"  // DefinitionEvent
	OverlayChanged  EventKind = "overlay.changed"  // DefinitionEvent
	OverlayRenamed  EventKind = "overlay.renamed"  // RenameEvent; the target has the new name
	OverlayDeleted  EventKind = "overlay.deleted"  // no members; it can be restored
	OverlayRestored EventKind = "overlay.restored" // no members
	OverlayDropped  EventKind = "overlay.dropped"  // no members; the definition of a deleted overlay was removed
	OverlayRevision EventKind = "overlay.revision" // ReportEvent of a number: servers now start with another revision
	OverlayRollout  EventKind = "overlay.rollout"  // RolloutEvent

	GameChanged EventKind = "game.build"   // ReportEvent of a number: servers of a host now start with another build
	GameRollout EventKind = "game.rollout" // RolloutEvent

	SettingsChanged EventKind = "settings.changed" // SettingsEvent

	UserCreated  EventKind = "user.created"   // UserEvent
	UserChanged  EventKind = "user.changed"   // UserEvent
	UserDeleted  EventKind = "user.deleted"   // no members
	UserSignedIn EventKind = "user.signed_in" // SignInEvent
	TokenCreated EventKind = "token.created"  // TokenEvent; the target is the owner
	TokenRevoked EventKind = "token.revoked"  // TokenEvent
)

// JobEvent is the data of an event about a job.
type JobEvent struct {
	Job    JobID    `json:"job"`
	Kind   JobKind  `json:"kind"`
	Host   Name     `json:"host"`
	State  JobState `json:"state"`
	Reason string   `json:"reason,omitempty"` // why left4me requested the job
	Error  string   `json:"error,omitempty"`  // why the job failed
}

// DefinitionEvent is the data of an event about a definition: its new version.
type DefinitionEvent struct {
	Version int `json:"version"`
}

// RenameEvent is the data of a rename.
type RenameEvent struct {
	From    Name `json:"from"`
	To      Name `json:"to"`
	Version int  `json:"version"` // version of the definition
}

// ReportEvent is the data of an event about a value that a host reports. From is empty for the
// first report.
type ReportEvent struct {
	Host Name   `json:"host"`
	From string `json:"from,omitempty"`
	To   string `json:"to"`
}

// CrashEvent is the data of an unrequested exit of a server.
type CrashEvent struct {
	Host   Name      `json:"host"`
	At     time.Time `json:"at"`
	Exit   string    `json:"exit"`
	Uptime float64   `json:"uptime"` // s
}

// HeldEvent is the data of an event about a server that left4me does or does not start
// automatically. Held is empty once nothing prevents it.
type HeldEvent struct {
	Held Held `json:"held"`
}

// RolloutEvent is the data of an event about the progress of a rollout.
type RolloutEvent struct {
	Host     Name            `json:"host,omitempty"`     // host of a build
	Build    int64           `json:"build,omitempty"`    // build of the game; 0 until known
	Revision int             `json:"revision,omitempty"` // revision of an overlay
	State    string          `json:"state"`
	Reason   string          `json:"reason,omitempty"`
	Servers  map[Name]string `json:"servers,omitempty"` // result for each server that was restarted
}

// SettingsEvent is the data of a change of settings: "backups", "game", "archive
// names" or "public address".
type SettingsEvent struct {
	Settings string `json:"settings"`
	Host     Name   `json:"host,omitempty"` // host of the game
}

// UserEvent is the data of an event about a user, after the change. Password reports whether the
// password was changed.
type UserEvent struct {
	Admin    bool `json:"admin"`
	Disabled bool `json:"disabled"`
	Password bool `json:"password,omitempty"`
}

// SignInEvent is the data of a sign-in.
type SignInEvent struct {
	Address string `json:"address"`
	Agent   string `json:"agent"`
}

// TokenEvent is the data of an event about a token.
type TokenEvent struct {
	Label string `json:"label"`
}

// ActorKind is the kind of an actor.
type ActorKind string

// The kinds of actors.
const (
	UserActor   ActorKind = "user"
	TokenActor  ActorKind = "token"
	SystemActor ActorKind = "system" // left4me itself: a schedule, a rollout, a start after a reboot
	HostActor   ActorKind = "host"   // a report of a host
)

// Actor is the user or the part of left4me that caused an event or requested a job. The zero Actor
// is left4me itself. Two actors are equal if all their fields are equal.
type Actor struct {
	Kind ActorKind `json:"kind"`
	ID   ID        `json:"id,omitempty"`   // id of the user or of the token's owner; empty where only the name is known
	Name string    `json:"name,omitempty"` // name of the user, token, part of left4me, or host
	// Owner is the owner of a token; empty for all other kinds.
	Owner string `json:"owner,omitempty"`
}

// The actors of left4me itself that several packages use.
var (
	BySchedule = BySystem("schedule")
	ByLeft4me  = BySystem("left4me")
)

// ByUser returns a user as an actor.
func ByUser(name string) Actor { return Actor{Kind: UserActor, Name: name} }

// BySystem returns a part of left4me as an actor.
func BySystem(part string) Actor { return Actor{Kind: SystemActor, Name: part} }

// ByHost returns a host as an actor.
func ByHost(name Name) Actor { return Actor{Kind: HostActor, Name: string(name)} }

// String returns the name to display; for a token, that is the owner's name. The name does not
// identify the kind: a user may have the name of a part of left4me.
func (a Actor) String() string {
	if a.Kind == TokenActor {
		return a.Owner
	}
	return a.Name
}

// OnHost returns the host with this name as a target.
func OnHost(n Name) Target { return Target{Kind: HostTarget, Name: string(n)} }

// OnUser returns the user with this name as a target.
func OnUser(name string) Target { return Target{Kind: UserTarget, Name: name} }

// TargetOf returns the target of a job of kind k.
func TargetOf(k JobKind, target Name) Target {
	switch k.Noun() {
	case "server":
		return OnServer(target)
	case "overlay":
		return OnOverlay(target)
	}
	return OnHost(target)
}
