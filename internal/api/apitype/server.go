package apitype

import (
	"time"

	"github.com/left4me/left4me/internal/left4me"
)

// GameServer is a server with what it is doing.
type GameServer struct {
	ID              left4me.ID              `json:"id" doc:"Never used again: the next server of the same name has another"`
	Name            left4me.Name            `json:"name"`
	Host            left4me.Name            `json:"host"`
	Port            int                     `json:"port"`
	State           left4me.ServerState     `json:"state" enum:"stopped,starting,running,unresponsive,stopping,failed,unknown"`
	Reason          string                  `json:"reason" doc:"Why it failed or does not answer"`
	Why             *left4me.Error          `json:"why,omitempty" doc:"The same with a code; absent: nothing to say, or of an older host"`
	Since           time.Time               `json:"since,omitzero" doc:"Of this state"`
	Map             string                  `json:"map" doc:"As the server answers; empty while it does not run"`
	Hostname        string                  `json:"hostname"`
	Players         int                     `json:"players" doc:"Humans"`
	Bots            int                     `json:"bots"`
	MaxPlayers      int                     `json:"max_players"`
	Address         string                  `json:"address,omitempty" doc:"For players, from LEFT4ME_PUBLIC_ADDRESS; absent in lists"`
	Online          []Player                `json:"online" doc:"Who plays"`
	Blueprint       left4me.Name            `json:"blueprint"`
	Overlays        []string                `json:"overlays" doc:"Of its own, over those of the blueprint; top of the stack first"`
	Settings        left4me.Settings        `json:"settings" doc:"Override the blueprint's. Lists and non-administrators get no passwords"`
	Version         int                     `json:"version" doc:"Counts changes of its definition"`
	PID             int                     `json:"pid" doc:"0 when there is no process"`
	Restarts        int                     `json:"restarts" doc:"After crashes and ends by itself, since it was started"`
	RestartRequired bool                    `json:"restart_required" doc:"It runs with other settings than it has now"`
	Build           int64                   `json:"build" doc:"Of the game that it runs on; 0 when that isn't known"`
	NewBuild        int64                   `json:"new_build" doc:"That a restart would change it to; 0 when it would not"`
	StartedWith     []left4me.OverlayRef    `json:"started_with" doc:"The revisions that it was started with, top first: maps@3"`
	NewContent      []left4me.OverlayChange `json:"new_content" doc:"Overlays that a restart would change"`
	Warnings        []left4me.Warning       `json:"warnings" doc:"Problems that may prevent a start; empty in lists"`
	Job             *JobRef                 `json:"job,omitempty" doc:"The job that is queued or running"`
	FailedJob       *FailedJob              `json:"failed_job,omitempty" doc:"The newest job, if it failed and nothing has fixed that"`

	Autostart left4me.Autostart `json:"autostart" enum:"last,always,never" doc:"As last asked, also at each boot, or never at boot"`
	Wanted    left4me.Wanted    `json:"wanted" enum:"running,stopped" doc:"What was last asked of it"`
	WantedBy  string            `json:"wanted_by" doc:"Who asked for it; empty when nobody did"`
	WantedAt  time.Time         `json:"wanted_at,omitzero"`
	Held      left4me.Held      `json:"held" enum:",crashed,boot,restored" doc:"Why it isn't started automatically; empty when it may be"`
	CreatedAt time.Time         `json:"created_at"`

	NameOnHost left4me.Name `json:"name_on_host,omitempty" doc:"Its old name, which its host uses until the next start; else absent"`
}

// Player is somebody on a server.
type Player struct {
	Name    string  `json:"name"`
	Score   int     `json:"score"`
	Seconds float64 `json:"seconds" doc:"Since the player joined"`
	Bot     bool    `json:"bot" doc:"As far as can be told: the game does not say"`
}

// NewServer is what a server is created from.
type NewServer struct {
	Name      string           `json:"name" doc:"1 to 64 of a-z, 0-9, _ and -, beginning with a letter or digit"`
	Host      string           `json:"host,omitempty" doc:"Without it: local"`
	Port      *int             `json:"port,omitempty" doc:"Without it: the next free one"`
	Blueprint string           `json:"blueprint,omitempty" doc:"Without it: default"`
	Overlays  []string         `json:"overlays,omitempty" doc:"Above the blueprint's, top first: maps, or maps@3 to stay at a revision"`
	Settings  left4me.Settings `json:"settings,omitempty"`
	Autostart string           `json:"autostart,omitempty" enum:"last,always,never" doc:"Without it: last"`
}

// ServerDefinition is what a server is changed to.
type ServerDefinition struct {
	Version   int              `json:"version,omitempty" doc:"Expected version: a newer one is a 409 conflict. Absent: not checked"`
	Port      int              `json:"port,omitempty" doc:"Without it: the one it has. It changes only while the server is down"`
	Blueprint string           `json:"blueprint,omitempty" doc:"Without it: default"`
	Overlays  []string         `json:"overlays,omitzero" doc:"All of its own, as when it is created"`
	Settings  left4me.Settings `json:"settings,omitempty"`
	Autostart string           `json:"autostart,omitempty" enum:"last,always,never" doc:"Without it: the one it has"`
}

// NewName is what a server, a blueprint or an overlay is renamed to.
type NewName struct {
	Name    string `json:"name" doc:"1 to 64 of a-z, 0-9, _ and -, beginning with a letter or digit"`
	Version int    `json:"version,omitempty" doc:"Expected version: a newer one is a 409 conflict. Absent: not checked"`
}

// ConfigDiff is how the files that are generated for a server would change.
type ConfigDiff struct {
	Changed bool         `json:"changed" doc:"A restart would change something"`
	Files   []ConfigFile `json:"files"`
}

// ConfigFile is a generated file.
type ConfigFile struct {
	Path    string `json:"path" doc:"In the game's directory; command line and layers are what a start decides besides files"`
	Running string `json:"running" doc:"As it was generated last; empty when there is none"`
	Next    string `json:"next" doc:"As the next start would generate it. Passwords are hidden"`
}

// Crash is a death of a server that nobody asked for.
type Crash struct {
	At            time.Time `json:"at"`
	Exit          string    `json:"exit"`
	UptimeSeconds float64   `json:"uptime_seconds"`
	Lines         []string  `json:"lines" doc:"The last that it printed"`
}

// MapChange is the map that a server changes to.
type MapChange struct {
	Map  string `json:"map" doc:"As campaigns name it"`
	Mode string `json:"mode,omitempty" doc:"Without it the mode stays"`
}

// Change says that there is something new about a server.
type Change struct {
	Server left4me.Name `json:"server"`
}

// ServerReach is the way from a server to its players.
type ServerReach struct {
	Server   left4me.Name    `json:"server"`
	Joinable bool            `json:"joinable" doc:"Nothing was found that keeps everybody out"`
	First    *left4me.Check  `json:"first,omitempty" doc:"The first thing that is wrong"`
	Checks   []left4me.Check `json:"checks" doc:"In the order in which it was looked; the first that is broken is the last"`
}
