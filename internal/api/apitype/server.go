package apitype

import (
	"time"

	"github.com/left4me/left4me/internal/left4me"
)

// GameServer is a server with its definition and its current status.
type GameServer struct {
	ID              left4me.ID              `json:"id" doc:"Never reused: a later server of the same name has another id"`
	Name            left4me.Name            `json:"name"`
	Host            left4me.Name            `json:"host"`
	Port            int                     `json:"port"`
	State           left4me.ServerState     `json:"state" enum:"stopped,starting,running,unresponsive,stopping,failed,unknown"`
	Reason          string                  `json:"reason" doc:"Reason why the server failed or does not answer"`
	Why             *left4me.Error          `json:"why,omitempty" doc:"The reason with its code; absent if none or unknown"`
	Since           time.Time               `json:"since,omitzero" doc:"Start of the current state"`
	Map             string                  `json:"map" doc:"From the server's query answer; empty while the server is not running"`
	Place           *left4me.Place          `json:"place,omitempty" doc:"Of map, or else of the first map; absent if it is in no campaign"`
	Mode            string                  `json:"mode" doc:"Mode being played, or else the mode of the next start"`
	StartedAt       time.Time               `json:"started_at,omitzero" doc:"Start of the process; absent if there is none"`
	Hostname        string                  `json:"hostname"`
	Players         int                     `json:"players" doc:"Human players"`
	Bots            int                     `json:"bots"`
	MaxPlayers      int                     `json:"max_players"`
	Address         string                  `json:"address,omitempty" doc:"Address for players; absent if the public address is unknown"`
	Connect         string                  `json:"connect,omitempty" doc:"Console command that joins; password by right; absent in lists"`
	Online          []Player                `json:"online" doc:"Connected players"`
	Blueprint       left4me.Name            `json:"blueprint"`
	Overlays        []string                `json:"overlays" doc:"Own overlays, on top of the blueprint's; top of the stack first"`
	Settings        left4me.Settings        `json:"settings" doc:"Override the blueprint's; passwords by right, never in lists"`
	Version         int                     `json:"version" doc:"Incremented by each change of the definition"`
	PID             int                     `json:"pid" doc:"0 if there is no process"`
	Restarts        int                     `json:"restarts" doc:"Since the last requested start, after crashes and unrequested exits"`
	RestartRequired bool                    `json:"restart_required" doc:"The server runs with older settings than its current ones"`
	Build           int64                   `json:"build" doc:"Game build of the current run; 0 if unknown"`
	NewBuild        int64                   `json:"new_build" doc:"Game build after a restart; 0: unchanged"`
	StartedWith     []left4me.OverlayRef    `json:"started_with" doc:"Revisions of the current run, top first: maps@3"`
	NewContent      []left4me.OverlayChange `json:"new_content" doc:"Overlays that a restart would change"`
	Warnings        []left4me.Warning       `json:"warnings" doc:"Problems that may prevent a start; empty in lists"`
	Job             *JobRef                 `json:"job,omitempty" doc:"The job that is queued or running"`
	FailedJob       *FailedJob              `json:"failed_job,omitempty" doc:"The newest job, if it failed and the failure persists"`

	Autostart left4me.Autostart `json:"autostart" enum:"last,always,never" doc:"last: as before; always: also at boot; never: not at boot"`
	Wanted    left4me.Wanted    `json:"wanted" enum:"running,stopped" doc:"Desired state, as last requested"`
	WantedBy  string            `json:"wanted_by" doc:"User who requested the desired state; empty if none did"`
	WantedAt  time.Time         `json:"wanted_at,omitzero"`
	Held      left4me.Held      `json:"held" enum:",crashed,boot,restored" doc:"Reason for no automatic start; or empty"`
	CreatedAt time.Time         `json:"created_at"`

	NameOnHost left4me.Name `json:"name_on_host,omitempty" doc:"Old name, which the host uses until the next start; absent: not renamed"`
}

// Player is a player on a server.
type Player struct {
	Name    string  `json:"name"`
	Score   int     `json:"score"`
	Seconds float64 `json:"seconds" doc:"Time since the player joined"`
	Bot     bool    `json:"bot" doc:"A guess, because the game does not mark bots"`
}

// NewServer is the request to create a server.
type NewServer struct {
	Name      string           `json:"name" doc:"1 to 64 characters of a-z, 0-9, _ and -, starting with a letter or digit"`
	Host      string           `json:"host,omitempty" doc:"Default: local"`
	Port      *int             `json:"port,omitempty" doc:"Default: the next free port"`
	Blueprint string           `json:"blueprint,omitempty" doc:"Default: default"`
	Overlays  []string         `json:"overlays,omitempty" doc:"Added to the blueprint's, top first: maps, or maps@3 to pin a revision"`
	Settings  left4me.Settings `json:"settings,omitempty"`
	Autostart string           `json:"autostart,omitempty" enum:"last,always,never" doc:"Default: last"`
}

// ServerCopy is the request to duplicate a server.
type ServerCopy struct {
	Name      string `json:"name,omitempty" doc:"Default: the next free number after the name of the original, such as alpha-2"`
	Port      *int   `json:"port,omitempty" doc:"Default: the next free port"`
	Passwords bool   `json:"passwords,omitempty" doc:"Also copy the passwords, which requires the right configure on the original"`
}

// SeveralServers is the request to create several servers from a blueprint.
type SeveralServers struct {
	Count     int    `json:"count" doc:"Number of servers, from 1 to 50"`
	Names     string `json:"names" doc:"Pattern in which # stands for the number, ## for two digits. Names that are taken are skipped"`
	FirstPort *int   `json:"first_port,omitempty" doc:"Lowest port; ports that are taken are skipped. Default: the next free ports"`
	Preview   bool   `json:"preview,omitempty" doc:"Only answer with the names and ports, and create nothing"`
}

// SeveralCreated is the result of creating several servers.
type SeveralCreated struct {
	Created bool           `json:"created" doc:"False for a preview"`
	Servers []NewlyCreated `json:"servers"`
}

// NewlyCreated is the name and the port of a server that was created, or that would be.
type NewlyCreated struct {
	Name left4me.Name `json:"name"`
	Port int          `json:"port"`
}

// ServerDefinition is the request to change a server.
type ServerDefinition struct {
	Version   int              `json:"version,omitempty" doc:"Expected version: a newer one is a 409 conflict. Absent: not checked"`
	Port      int              `json:"port,omitempty" doc:"Absent: unchanged. A running server keeps its port until the next start"`
	Blueprint string           `json:"blueprint,omitempty" doc:"Default: default"`
	Overlays  []string         `json:"overlays,omitzero" doc:"The server's own overlays, replacing all existing ones"`
	Settings  left4me.Settings `json:"settings,omitempty"`
	Autostart string           `json:"autostart,omitempty" enum:"last,always,never" doc:"Absent: unchanged"`
}

// NewName is the request to rename a server, a blueprint or an overlay.
type NewName struct {
	Name    string `json:"name" doc:"1 to 64 characters of a-z, 0-9, _ and -, starting with a letter or digit"`
	Version int    `json:"version,omitempty" doc:"Expected version: a newer one is a 409 conflict. Absent: not checked"`
}

// ConfigDiff compares the generated files of a server with those of the next start.
type ConfigDiff struct {
	Changed bool         `json:"changed" doc:"A restart would change at least one file"`
	Files   []ConfigFile `json:"files"`
}

// ConfigFile is a generated file in both versions.
type ConfigFile struct {
	Path    string `json:"path" doc:"Path in the game's directory, or command line or layers for the other inputs of a start"`
	Running string `json:"running" doc:"Content that was last generated; empty if none"`
	Next    string `json:"next" doc:"Content that the next start would generate. Passwords are hidden"`
}

// Crash is an unrequested exit of a server.
type Crash struct {
	At            time.Time `json:"at"`
	Exit          string    `json:"exit"`
	UptimeSeconds float64   `json:"uptime_seconds"`
	Lines         []string  `json:"lines" doc:"The last lines of output"`
}

// MapChange is the request to change the map.
type MapChange struct {
	Map  string `json:"map" doc:"Map name, as in the server's campaigns"`
	Mode string `json:"mode,omitempty" doc:"Absent: unchanged"`
}

// MapChangeBegun is a requested change of the map.
type MapChangeBegun struct {
	MapChange
	Job JobRef `json:"job" doc:"Ends once the server answers with the new map"`
}

// Change reports that a server has changed.
type Change struct {
	Server left4me.Name `json:"server"`
}

// ServerReach is the result of the connectivity check of a server.
type ServerReach struct {
	Server   left4me.Name    `json:"server"`
	Joinable bool            `json:"joinable" doc:"No problem was found that keeps all players out"`
	First    *left4me.Check  `json:"first,omitempty" doc:"The first problem found"`
	Checks   []left4me.Check `json:"checks" doc:"In check order; checking stops at the first failure"`
}

// DeletedServer is a server that was deleted and can be restored, or one that was read from a
// backup.
type DeletedServer struct {
	ID        left4me.ID   `json:"id" doc:"The id that the server had, and has again when it is restored"`
	Name      left4me.Name `json:"name"`
	Host      left4me.Name `json:"host"`
	Port      int          `json:"port"`
	Blueprint left4me.Name `json:"blueprint"`
	Overlays  []string     `json:"overlays"`
	Bytes     int64        `json:"bytes" doc:"Disk space of its files"`
	DeletedAt time.Time    `json:"deleted_at" doc:"Or when it was read from the backup"`
	DeletedBy string       `json:"deleted_by"`
	GoneAt    time.Time    `json:"gone_at" doc:"The server is removed for good after this time"`
	Backup    left4me.Name `json:"backup" doc:"Backup that it was read from; empty: it was deleted"`
	NewName   left4me.Name `json:"new_name" doc:"Name that it would get now, because another server has its own; empty: its own"`
	NewPort   bool         `json:"new_port" doc:"Whether it would get another port, because another server uses its own"`
	Missing   []string     `json:"missing" doc:"Overlays that no longer exist"`
}

// RestoreServer is the request to restore a deleted server.
type RestoreServer struct {
	Name string `json:"name,omitempty" doc:"Default: its former name or, if another server has it, a free one"`
	Port int    `json:"port,omitempty" doc:"Default: its former port or, if another server uses it, a free one"`
}

// RestoredServer is a server that was restored, and what differs from before.
type RestoredServer struct {
	Server          GameServer   `json:"server"`
	FormerName      left4me.Name `json:"former_name" doc:"Empty: unchanged"`
	FormerPort      int          `json:"former_port" doc:"0: unchanged"`
	FormerBlueprint left4me.Name `json:"former_blueprint" doc:"Empty: unchanged"`
	Missing         []string     `json:"missing" doc:"Overlays that no longer exist and were left out"`
}
