package left4me

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// ServerState is the state of a server. It comes from the supervisor and the shim; it is never
// derived from the last request.
type ServerState string

// The states. A server's usual cycle is stopped → starting → running ⇄ unresponsive → stopping →
// stopped. It can become failed from each of them.
const (
	Stopped      ServerState = "stopped"
	Starting     ServerState = "starting"
	Running      ServerState = "running"
	Unresponsive ServerState = "unresponsive"
	Stopping     ServerState = "stopping"
	Failed       ServerState = "failed"
	// Unknown is displayed while the server's host is unreachable or has lost the disk with its
	// files.
	Unknown ServerState = "unknown"
)

// transitions lists the states that may follow each state.
var transitions = map[ServerState][]ServerState{
	Stopped:      {Starting, Failed},
	Starting:     {Running, Stopping, Stopped, Failed},
	Running:      {Unresponsive, Stopping, Starting, Stopped, Failed},
	Unresponsive: {Running, Stopping, Starting, Stopped, Failed},
	Stopping:     {Stopped, Failed},
	Failed:       {Starting, Stopping, Stopped},
}

// CanBecome reports whether next may follow s.
func (s ServerState) CanBecome(next ServerState) bool {
	for _, t := range transitions[s] {
		if t == next {
			return true
		}
	}
	return false
}

// Up reports whether the server has a process in this state.
func (s ServerState) Up() bool {
	return s == Starting || s == Running || s == Unresponsive || s == Stopping
}

// Wanted is the desired state of a server, as last requested.
type Wanted string

// The desired states.
const (
	WantRunning Wanted = "running"
	WantStopped Wanted = "stopped"
)

// Autostart is the policy for starting a server without a request.
type Autostart string

// The autostart policies.
const (
	// AutostartLast starts a server when left4me starts, if its desired state is running and it has
	// no process.
	AutostartLast Autostart = "last"
	// AutostartAlways also starts it at each boot of its host, even if the last request was to stop
	// it.
	AutostartAlways Autostart = "always"
	// AutostartNever is like AutostartLast, but does not start it at a boot.
	AutostartNever Autostart = "never"
)

// Valid reports whether a is one of the policies.
func (a Autostart) Valid() bool {
	return a == AutostartLast || a == AutostartAlways || a == AutostartNever
}

// Held is the reason why a server whose desired state is running stays stopped until the next
// request to start it. It is empty if left4me may start the server.
type Held string

// The reasons for holding a server.
const (
	HeldCrashed  Held = "crashed"  // left4me gave up after repeated crashes
	HeldBoot     Held = "boot"     // its host was booted, and its autostart policy is never
	HeldRestored Held = "restored" // its row was restored from a backup
)

// Reason returns h as an error, or nil if h is empty.
func (h Held) Reason() *Error {
	switch h {
	case HeldCrashed:
		return NewError(Unavailable, "state.held_after_crashes")
	case HeldBoot:
		return NewError(Unavailable, "state.held_after_boot")
	case HeldRestored:
		return NewError(Unavailable, "state.held_restored")
	}
	return nil
}

// Blueprint is a reusable template for servers.
type Blueprint struct {
	ID        ID           `json:"id,omitempty"`
	Name      Name         `json:"name"`
	Overlays  []OverlayRef `json:"overlays"` // top of the stack first
	Settings  Settings     `json:"settings"`
	Version   int          `json:"version"` // incremented by each change; an edit names the version it is based on
	CreatedAt time.Time    `json:"created_at"`
}

// DefaultBlueprint is the blueprint that always exists at first: no overlays, default settings.
const DefaultBlueprint Name = "default"

// Server is the definition of one dedicated server.
type Server struct {
	ID        ID           `json:"id,omitempty"`
	Name      Name         `json:"name"`
	Host      Name         `json:"host"`
	Port      int          `json:"port"`
	Blueprint Name         `json:"blueprint"`
	Overlays  []OverlayRef `json:"overlays"` // its own overlays, on top of the blueprint's; top first
	Settings  Settings     `json:"settings"`
	Version   int          `json:"version"` // incremented by each change; an edit names the version it is based on
	CreatedAt time.Time    `json:"created_at"`
	Autostart Autostart    `json:"autostart"`
	Wanted    Wanted       `json:"wanted"`
	WantedBy  string       `json:"wanted_by"`          // who requested it
	WantedAt  time.Time    `json:"wanted_at,omitzero"` // zero if it was never requested
	Held      Held         `json:"held"`
	// HostName is the name that the host uses until the next start after a rename; empty if that is
	// Name.
	HostName Name   `json:"-"`
	BootID   string `json:"-"` // boot of the host for which autostart was last decided; empty if none
}

// OnHost returns the name that the host uses for the server's directories, unit and socket.
func (v Server) OnHost() Name { return cmp.Or(v.HostName, v.Name) }

// Target returns v as a target.
func (v Server) Target() Target { return Target{Kind: ServerTarget, ID: v.ID, Name: string(v.Name)} }

// Target returns v as a target.
func (v Blueprint) Target() Target {
	return Target{Kind: BlueprintTarget, ID: v.ID, Name: string(v.Name)}
}

// Spec is the complete information that a host needs to run a server: the definition merged with
// its blueprint. It is part of the job, so hosts never have to query control.
type Spec struct {
	ID       ID           `json:"id,omitempty"` // id of the server
	Name     Name         `json:"name"`
	OldName  Name         `json:"old_name,omitempty"` // name that the host uses until the next start; empty if that is Name
	Port     int          `json:"port"`
	Overlays []OverlayRef `json:"overlays"` // top of the stack first
	Settings Settings     `json:"settings"` // merged with those of the blueprint, except Cfg: the server's own lines
	// Blueprint is the name of the blueprint, and BlueprintCfg are its raw lines.
	Blueprint    Name     `json:"blueprint,omitempty"`
	BlueprintCfg []string `json:"blueprint_cfg,omitempty"`
	// OverlayCfg are the raw lines that each overlay adds to server.cfg.
	OverlayCfg map[Name][]string `json:"overlay_cfg,omitempty"`
}

// SpecOf merges a server with its blueprint. An overlay in both stacks appears once, at the
// server's position and in the server's revision. cfg are the raw lines of overlays by name.
func SpecOf(v Server, b Blueprint, cfg map[Name][]string) Spec {
	settings := v.Settings.Over(b.Settings).Normal() // older versions stored names as typed
	settings.Cfg = UnmarkedLines(v.Settings.Cfg)     // the blueprint's lines are written before them
	if settings.Hostname == "" {
		settings.Hostname = "left4me " + string(v.Name)
	}
	out := Spec{
		ID: v.ID, Name: v.Name, OldName: v.HostName, Port: v.Port, Settings: settings,
		Blueprint: v.Blueprint, BlueprintCfg: UnmarkedLines(b.Settings.Cfg),
	}
	out.Overlays = append([]OverlayRef{}, v.Overlays...)
	for _, o := range b.Overlays {
		if !slices.ContainsFunc(v.Overlays, func(own OverlayRef) bool { return own.Name == o.Name }) {
			out.Overlays = append(out.Overlays, o)
		}
	}
	for _, o := range out.Overlays {
		if lines := cfg[o.Name]; len(lines) > 0 {
			if out.OverlayCfg == nil {
				out.OverlayCfg = map[Name][]string{}
			}
			out.OverlayCfg[o.Name] = UnmarkedLines(lines)
		}
	}
	return out
}

// Status is the state of a server as its host reports it.
type Status struct {
	Name       Name         `json:"name"`
	ID         ID           `json:"id,omitempty"` // id of the server of the last start; set where a host reports all its servers
	State      ServerState  `json:"state"`
	Reason     string       `json:"reason,omitempty"`    // why it failed or does not answer, in English; see Explain
	Why        *Error       `json:"why,omitempty"`       // the same as an error; absent without a reason, or from an older host
	PID        int          `json:"pid"`                 // process of srcds on the host; 0 if there is none
	Port       int          `json:"port"`                // the port that the game actually uses
	Since      time.Time    `json:"since"`               // start of the current state
	StartedAt  time.Time    `json:"started_at,omitzero"` // start of the process; zero if there is none, or if unknown
	Restarts   int          `json:"restarts"`            // restarts since the last requested start, after crashes and unrequested exits
	Hostname   string       `json:"hostname"`            // name in the server's query answer
	Map        string       `json:"map"`
	Mode       string       `json:"mode,omitempty"` // mode in the tags of the query answer; empty if unknown
	Players    int          `json:"players"`        // human players
	Bots       int          `json:"bots"`
	MaxPlayers int          `json:"max_players"`
	Online     []Player     `json:"online,omitempty"`
	SpecHash   string       `json:"spec_hash,omitempty"` // hash of the Spec of the current run
	Build      int64        `json:"build,omitempty"`     // game build of the current run
	Overlays   []OverlayRef `json:"overlays,omitempty"`  // revisions of the current run, top first
	SampledAt  time.Time    `json:"sampled_at"`          // when the query values were sampled
	GaveUp     bool         `json:"gave_up,omitempty"`   // failed too often; left4me no longer restarts it
}

// Explain sets the reason for the server's state; nil clears it. Reason is for builds that do not
// know the code of Why.
func (s *Status) Explain(why *Error) { s.Why, s.Reason = why, why.Said() }

// OverlayChange describes how a restart would change an overlay of a server. The files that differ
// can be requested with the two revision numbers.
type OverlayChange struct {
	Overlay Name `json:"overlay"`
	From    int  `json:"from"` // revision of the current run; 0: without the overlay
	To      int  `json:"to"`   // revision after a restart; 0: without the overlay
}

// Player is a player on a server, as reported by A2S.
type Player struct {
	Name     string        `json:"name"`
	Score    int           `json:"score"`
	Duration time.Duration `json:"duration"`
	Bot      bool          `json:"bot,omitempty"` // a guess: A2S does not report bots as such
}

// OnHost returns s with the name that its host currently uses, for requests about the current state
// and for jobs that do not rename the server.
func (s Spec) OnHost() Spec {
	s.Name, s.OldName = cmp.Or(s.OldName, s.Name), ""
	return s
}

// Hash returns a fingerprint of s as 16 hexadecimal digits: equal specs have equal hashes. The
// blueprint's name, the server's id and its old name do not affect the hash.
func (s Spec) Hash() string {
	s.Blueprint, s.ID, s.OldName = "", "", ""
	b, err := json.Marshal(s)
	if err != nil {
		return "" // cannot happen: all fields of Spec can be marshalled
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:8])
}

// KeepDeletedServer is how long a deleted server can be restored.
const KeepDeletedServer = 7 * 24 * time.Hour

const keptPrefix = "deleted-"

// KeptName returns the name under which a host keeps the files of a deleted server until it is
// restored or removed. No server can have such a name.
func KeptName(id ID) Name { return Name(keptPrefix + string(id)) }

// Kept reports whether n is the KeptName of an id.
func (n Name) Kept() bool {
	id, ok := strings.CutPrefix(string(n), keptPrefix)
	return ok && len(id) == 24 && strings.Trim(id, "0123456789abcdefghijklmnopqrstuv") == ""
}

// DeletedServer is a server that was deleted and can be restored, or one that was read from a
// backup and is not in use yet. Its id is the one that it gets when it is restored.
type DeletedServer struct {
	Server
	Bytes     int64 // size of its files on the host
	DeletedAt time.Time
	DeletedBy Actor
	GoneAt    time.Time // its files are removed after this time
	Backup    Name      // backup that it was read from; empty: it was deleted
	// Then is the automatic next step; empty: a user decides.
	Then AfterDeletion
}

// AfterDeletion is the automatic next step for a deleted server.
type AfterDeletion string

// What happens to a deleted server. ThenReplace and an id mean that the server with this id is
// deleted first.
const (
	ThenNothing AfterDeletion = ""
	ThenRestore AfterDeletion = "restore"
	ThenReplace AfterDeletion = "replace:"
)

// Replaces returns the id of the server to delete first.
func (a AfterDeletion) Replaces() (ID, bool) {
	id, ok := strings.CutPrefix(string(a), string(ThenReplace))
	return ID(id), ok
}
