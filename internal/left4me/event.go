package left4me

import (
	"encoding/json"
	"time"
)

// Event is something that has happened. It is written in the transaction of the
// change that it tells of: either both are there or neither is.
type Event struct {
	// Position orders events. It grows and is never used again, with gaps where a
	// change was given up.
	Position int64     `json:"position"`
	Kind     EventKind `json:"kind"`
	Target   Target    `json:"target"`
	Actor    Actor     `json:"actor"`
	At       time.Time `json:"at"` // in ms, by the clock of left4me: it may go back, positions don't
	// Version is of the form of Data, and is raised when a member changes its meaning
	// or goes. New members don't raise it.
	Version int             `json:"version"`
	Data    json.RawMessage `json:"data"` // an object; see EventKind for its type
}

// Read decodes Data into the type of the event's kind.
func (e Event) Read(into any) error { return json.Unmarshal(e.Data, into) }

// EventVersion is the version of all data that this program writes.
const EventVersion = 1

// EventKind says what has happened, as NOUN.VERB.
type EventKind string

// The kinds of events. What a host reports becomes an event when control writes it:
// states between two writes make none.
const (
	JobAdded EventKind = "job.added" // JobEvent; the target is that of the job
	JobEnded EventKind = "job.ended" // JobEvent

	ServerCreated      EventKind = "server.created" // DefinitionEvent
	ServerChanged      EventKind = "server.changed" // DefinitionEvent
	ServerRenamed      EventKind = "server.renamed" // RenameEvent; the target has the new name
	ServerDeleted      EventKind = "server.deleted" // no members
	ServerStateChanged EventKind = "server.state"   // ReportEvent of a ServerState
	ServerCrashed      EventKind = "server.crashed" // CrashEvent
	ServerHeld         EventKind = "server.held"    // HeldEvent

	BlueprintCreated EventKind = "blueprint.created" // DefinitionEvent
	BlueprintChanged EventKind = "blueprint.changed" // DefinitionEvent
	BlueprintRenamed EventKind = "blueprint.renamed" // RenameEvent; the target has the new name
	BlueprintDeleted EventKind = "blueprint.deleted" // no members

	OverlayCreated  EventKind = "overlay.created"  // DefinitionEvent
	OverlayChanged  EventKind = "overlay.changed"  // DefinitionEvent
	OverlayRenamed  EventKind = "overlay.renamed"  // RenameEvent; the target has the new name
	OverlayDeleted  EventKind = "overlay.deleted"  // no members; it can be restored
	OverlayRestored EventKind = "overlay.restored" // no members
	OverlayDropped  EventKind = "overlay.dropped"  // no members; the definition of a deleted overlay is removed
	OverlayRevision EventKind = "overlay.revision" // ReportEvent of a number: servers start with another revision
	OverlayRollout  EventKind = "overlay.rollout"  // RolloutEvent

	GameChanged EventKind = "game.build"   // ReportEvent of a number: servers of a host start with another build
	GameRollout EventKind = "game.rollout" // RolloutEvent

	SettingsChanged EventKind = "settings.changed" // SettingsEvent

	UserCreated  EventKind = "user.created"   // UserEvent
	UserChanged  EventKind = "user.changed"   // UserEvent
	UserDeleted  EventKind = "user.deleted"   // no members
	UserSignedIn EventKind = "user.signed_in" // SignInEvent
	TokenCreated EventKind = "token.created"  // TokenEvent; the target is the owner
	TokenRevoked EventKind = "token.revoked"  // TokenEvent
)

// JobEvent tells of a job.
type JobEvent struct {
	Job    JobID    `json:"job"`
	Kind   JobKind  `json:"kind"`
	Host   Name     `json:"host"`
	State  JobState `json:"state"`
	Reason string   `json:"reason,omitempty"` // why left4me asked for it
	Error  string   `json:"error,omitempty"`  // why it ended as it did
}

// DefinitionEvent tells which version of a definition there is now.
type DefinitionEvent struct {
	Version int `json:"version"`
}

// RenameEvent tells of another name.
type RenameEvent struct {
	From    Name `json:"from"`
	To      Name `json:"to"`
	Version int  `json:"version"` // of the definition
}

// ReportEvent tells that a host reported another value than before. From is empty
// for the first report.
type ReportEvent struct {
	Host Name   `json:"host"`
	From string `json:"from,omitempty"`
	To   string `json:"to"`
}

// CrashEvent tells how a server ended that nobody stopped.
type CrashEvent struct {
	Host   Name      `json:"host"`
	At     time.Time `json:"at"`
	Exit   string    `json:"exit"`
	Uptime float64   `json:"uptime"` // s
}

// HeldEvent tells what keeps a server from being started; empty: nothing any more.
type HeldEvent struct {
	Held Held `json:"held"`
}

// RolloutEvent tells how far the restarts for a build or a revision are.
type RolloutEvent struct {
	Host     Name            `json:"host,omitempty"`     // of a build
	Build    int64           `json:"build,omitempty"`    // of the game; 0 until it is known
	Revision int             `json:"revision,omitempty"` // of the overlay
	State    string          `json:"state"`
	Reason   string          `json:"reason,omitempty"`
	Servers  map[Name]string `json:"servers,omitempty"` // what became of each that was restarted
}

// SettingsEvent tells which settings were changed: "backups", "game" or
// "archive names".
type SettingsEvent struct {
	Settings string `json:"settings"`
	Host     Name   `json:"host,omitempty"` // of the game
}

// UserEvent tells how a user is after a change. Password says that it is another.
type UserEvent struct {
	Admin    bool `json:"admin"`
	Disabled bool `json:"disabled"`
	Password bool `json:"password,omitempty"`
}

// SignInEvent tells from where a user signed in.
type SignInEvent struct {
	Address string `json:"address"`
	Agent   string `json:"agent"`
}

// TokenEvent tells of a token, by its label.
type TokenEvent struct {
	Label string `json:"label"`
}

// ActorKind says what caused an event.
type ActorKind string

// The kinds of actors.
const (
	UserActor   ActorKind = "user"
	TokenActor  ActorKind = "token"
	SystemActor ActorKind = "system" // left4me itself: a schedule, a rollout, a start after a reboot
	HostActor   ActorKind = "host"   // what a host reported
)

// Actor is who or what caused an event or asked for a job. The zero Actor is left4me
// itself. Actors are equal when all of their members are.
type Actor struct {
	Kind ActorKind `json:"kind"`
	ID   ID        `json:"id,omitempty"`   // of a user or the owner of a token; empty where only the name is known
	Name string    `json:"name,omitempty"` // of the user, the token, the part of left4me, or the host
	// Owner is the user that a token acts for; empty for all other kinds.
	Owner string `json:"owner,omitempty"`
}

// The actors of left4me itself that appear in several places.
var (
	BySchedule = BySystem("schedule")
	ByLeft4me  = BySystem("left4me")
)

// ByUser is a user as an actor.
func ByUser(name string) Actor { return Actor{Kind: UserActor, Name: name} }

// BySystem is a part of left4me as an actor.
func BySystem(part string) Actor { return Actor{Kind: SystemActor, Name: part} }

// ByHost is a host as an actor.
func ByHost(name Name) Actor { return Actor{Kind: HostActor, Name: string(name)} }

// String returns the name that people are shown: of a token its owner's. It doesn't
// tell the kind; a user may have the name of a part of left4me.
func (a Actor) String() string {
	if a.Kind == TokenActor {
		return a.Owner
	}
	return a.Name
}

// OnHost is the host of this name as a target.
func OnHost(n Name) Target { return Target{Kind: HostTarget, Name: string(n)} }

// OnUser is the user of this name as a target.
func OnUser(name string) Target { return Target{Kind: UserTarget, Name: name} }

// TargetOf is what a job works on as a target.
func TargetOf(k JobKind, target Name) Target {
	switch k.Noun() {
	case "server":
		return OnServer(target)
	case "overlay":
		return OnOverlay(target)
	}
	return OnHost(target)
}
