package left4me

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"time"
)

// ServerState is where a server is in its life. It comes from the supervisor
// and the shim and is never guessed from what was last asked.
type ServerState string

// The states. A server goes stopped → starting → running ⇄ unresponsive →
// stopping → stopped, and can become failed from any of them.
const (
	Stopped      ServerState = "stopped"
	Starting     ServerState = "starting"
	Running      ServerState = "running"
	Unresponsive ServerState = "unresponsive"
	Stopping     ServerState = "stopping"
	Failed       ServerState = "failed"
	// Unknown is shown while the host of a server can't be asked, or has lost the
	// disk of its files.
	Unknown ServerState = "unknown"
)

// transitions is the one table of what may follow what.
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

// Up reports whether a process of the server exists in this state.
func (s ServerState) Up() bool {
	return s == Starting || s == Running || s == Unresponsive || s == Stopping
}

// Wanted is what was last asked of a server: that it runs, or that it doesn't.
type Wanted string

// What may be asked of a server.
const (
	WantRunning Wanted = "running"
	WantStopped Wanted = "stopped"
)

// Autostart says when left4me starts a server that nobody asks it to start.
type Autostart string

// The kinds of autostart.
const (
	// AutostartLast starts a server that is wanted to run and has no process
	// when left4me starts.
	AutostartLast Autostart = "last"
	// AutostartAlways also starts it at each boot of its host, even when it was
	// last asked to stop.
	AutostartAlways Autostart = "always"
	// AutostartNever starts it like AutostartLast, but not at a boot.
	AutostartNever Autostart = "never"
)

// Valid reports whether a is one of the kinds.
func (a Autostart) Valid() bool {
	return a == AutostartLast || a == AutostartAlways || a == AutostartNever
}

// Held says why a server that is wanted to run is not started until somebody
// asks for it again. It is empty when nothing holds the server.
type Held string

// The reasons.
const (
	HeldCrashed  Held = "crashed"  // it gave up after crashes
	HeldBoot     Held = "boot"     // its host booted, and its autostart is never
	HeldRestored Held = "restored" // its row comes from a backup
)

// Reason is h as an error; nil when nothing holds the server.
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

// Blueprint is a reusable recipe for servers.
type Blueprint struct {
	ID        ID           `json:"id,omitempty"`
	Name      Name         `json:"name"`
	Overlays  []OverlayRef `json:"overlays"` // top of the stack first
	Settings  Settings     `json:"settings"`
	Version   int          `json:"version"` // counts its changes: who changes it says which one they saw
	CreatedAt time.Time    `json:"created_at"`
}

// DefaultBlueprint is there from the beginning: no overlays, the game as it is.
const DefaultBlueprint Name = "default"

// Server is the definition of one dedicated server, as people made it.
type Server struct {
	ID        ID           `json:"id,omitempty"`
	Name      Name         `json:"name"`
	Host      Name         `json:"host"`
	Port      int          `json:"port"`
	Blueprint Name         `json:"blueprint"`
	Overlays  []OverlayRef `json:"overlays"` // of its own, over those of the blueprint; top first
	Settings  Settings     `json:"settings"`
	Version   int          `json:"version"` // counts its changes: who changes it says which one they saw
	CreatedAt time.Time    `json:"created_at"`
	Autostart Autostart    `json:"autostart"`
	Wanted    Wanted       `json:"wanted"`
	WantedBy  string       `json:"wanted_by"`          // who asked for it
	WantedAt  time.Time    `json:"wanted_at,omitzero"` // zero when nobody ever asked
	Held      Held         `json:"held"`
	// HostName is the name that its host still uses, from before it was renamed; empty
	// when that is Name. The start after a rename brings it to Name.
	HostName Name   `json:"-"`
	BootID   string `json:"-"` // the boot of its host for which autostart was last decided; empty when there was none
}

// OnHost is the name that its host uses: that of its directories, its unit and its socket.
func (v Server) OnHost() Name { return cmp.Or(v.HostName, v.Name) }

// Target is v as a target.
func (v Server) Target() Target { return Target{Kind: ServerTarget, ID: v.ID, Name: string(v.Name)} }

// Target is v as a target.
func (v Blueprint) Target() Target {
	return Target{Kind: BlueprintTarget, ID: v.ID, Name: string(v.Name)}
}

// Spec is what a host needs to know of a server to run it: the definition with
// its blueprint applied. It travels in the job, so that a host never asks back.
type Spec struct {
	ID       ID           `json:"id,omitempty"` // of the server
	Name     Name         `json:"name"`
	OldName  Name         `json:"old_name,omitempty"` // that the host uses until a start renames it; empty when it is Name
	Port     int          `json:"port"`
	Overlays []OverlayRef `json:"overlays"` // top of the stack first
	Settings Settings     `json:"settings"` // with those of the blueprint beneath; Cfg are the server's own lines
	// Blueprint is where a part of Settings comes from, and BlueprintCfg are its
	// raw lines.
	Blueprint    Name     `json:"blueprint,omitempty"`
	BlueprintCfg []string `json:"blueprint_cfg,omitempty"`
	// OverlayCfg are the raw lines that overlays add to server.cfg.
	OverlayCfg map[Name][]string `json:"overlay_cfg,omitempty"`
}

// SpecOf is a server with its blueprint applied. An overlay that both stack is
// there once, where the server has it and in the revision that it names; cfg are
// the raw lines of overlays.
func SpecOf(v Server, b Blueprint, cfg map[Name][]string) Spec {
	settings := v.Settings.Over(b.Settings).Normal() // an older left4me kept names as they were typed
	settings.Cfg = UnmarkedLines(v.Settings.Cfg)     // those of the blueprint stand before them
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

// Status is what a host knows of one of its servers at a moment.
type Status struct {
	Name       Name         `json:"name"`
	ID         ID           `json:"id,omitempty"` // of the server that it was last started for, where a host tells of all its servers
	State      ServerState  `json:"state"`
	Reason     string       `json:"reason,omitempty"` // why it failed or does not answer, in English; see Explain
	Why        *Error       `json:"why,omitempty"`    // the same as a code; absent: none, or told by an older left4me
	PID        int          `json:"pid"`              // srcds, as its host sees it; 0 when there is none
	Port       int          `json:"port"`             // the port it really has
	Since      time.Time    `json:"since"`            // of this state
	Restarts   int          `json:"restarts"`         // after crashes and ends by itself, since it was started
	Hostname   string       `json:"hostname"`         // as the server itself answers
	Map        string       `json:"map"`
	Players    int          `json:"players"` // humans
	Bots       int          `json:"bots"`
	MaxPlayers int          `json:"max_players"`
	Online     []Player     `json:"online,omitempty"`
	SpecHash   string       `json:"spec_hash,omitempty"` // of the Spec that it was started with
	Build      int64        `json:"build,omitempty"`     // of the game that it was started with
	Overlays   []OverlayRef `json:"overlays,omitempty"`  // the revisions that it was started with, top first
	SampledAt  time.Time    `json:"sampled_at"`          // when the live values were read
	GaveUp     bool         `json:"gave_up,omitempty"`   // it failed, and was started again too often to be started once more
}

// Explain says why the server is in its state; nil: there is nothing to say. Reason
// is for a build that doesn't know the code.
func (s *Status) Explain(why *Error) { s.Why, s.Reason = why, why.Said() }

// OverlayChange is how an overlay of a server would change with a restart. What
// files that concerns can be asked for by the two numbers.
type OverlayChange struct {
	Overlay Name `json:"overlay"`
	From    int  `json:"from"` // the revision that it runs with; 0: without the overlay
	To      int  `json:"to"`   // the revision that it would be started with; 0: without the overlay
}

// Player is somebody on a server, as A2S tells it.
type Player struct {
	Name     string        `json:"name"`
	Score    int           `json:"score"`
	Duration time.Duration `json:"duration"`
	Bot      bool          `json:"bot,omitempty"` // as far as can be told: A2S does not say
}

// OnHost is s with the name that its host uses now: for questions about what is there,
// and for jobs that rename nothing.
func (s Spec) OnHost() Spec {
	s.Name, s.OldName = cmp.Or(s.OldName, s.Name), ""
	return s
}

// Hash identifies what a server would be started with. It is 16 hexadecimal
// digits; equal specs have equal hashes. What the blueprint is called, which id the
// server has and which name it had make no difference to it.
func (s Spec) Hash() string {
	s.Blueprint, s.ID, s.OldName = "", "", ""
	b, err := json.Marshal(s)
	if err != nil {
		return "" // a Spec holds nothing that can't be marshalled
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:8])
}
