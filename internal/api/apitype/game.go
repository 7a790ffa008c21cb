package apitype

import (
	"time"

	"github.com/left4me/left4me/internal/left4me"
)

// Game describes the game installation of a host.
type Game struct {
	Host      left4me.Name `json:"host"`
	Known     bool         `json:"known" doc:"The host has reported its builds; if false, all other members are empty"`
	Problem   string       `json:"problem" doc:"Reason why the host cannot be reached; the other members are its last report"`
	SaidAt    time.Time    `json:"said_at,omitzero"`
	Current   int64        `json:"current" doc:"Build that servers start with; 0 if the game is not installed"`
	Pinned    bool         `json:"pinned" doc:"Updates must not replace the current build"`
	Builds    []GameBuild  `json:"builds" doc:"Newest first: the current build and the builds available for a rollback"`
	Latest    int64        `json:"latest" doc:"Newest build known from Steam; 0 if unknown"`
	Outdated  bool         `json:"outdated"`
	CheckedAt time.Time    `json:"checked_at,omitzero" doc:"Time of the last check with Steam"`
	CheckNote string       `json:"check_note"`
	SteamCMD  string       `json:"steamcmd" doc:"Path of SteamCMD; empty if it will be downloaded"`
	Job       *JobRef      `json:"job,omitempty" doc:"The running job, or else the latest"`
	Rollout   *Rollout     `json:"rollout,omitempty" doc:"The latest rollout, active or ended"`
	Policy    GamePolicy   `json:"policy"`
}

// GameBuild is a build of the game on a host.
type GameBuild struct {
	Build       int64          `json:"build"`
	Version     string         `json:"version"`
	Current     bool           `json:"current"`
	InstalledAt time.Time      `json:"installed_at,omitzero"`
	Bytes       int64          `json:"bytes" doc:"Disk space of the build's own layer"`
	Layers      []string       `json:"layers" doc:"Directories under installation/, top first"`
	Servers     []left4me.Name `json:"servers" doc:"Servers that currently run this build"`
}

// GamePolicy is the schedule of game updates.
type GamePolicy struct {
	CheckHours int    `json:"check_hours" doc:"Hours between two checks; 0 disables them"`
	Update     bool   `json:"update" doc:"Install new builds automatically"`
	UpdateAt   string `json:"update_at,omitempty" doc:"HH:MM in the host's time zone; empty: as soon as a new build is found"`
	Restart    string `json:"restart,omitempty" doc:"When servers restart with a new build: never, now, empty (when nobody plays) or HH:MM"`
}

// GameRequest is the request for a job on the game.
type GameRequest struct {
	Restart string `json:"restart,omitempty" doc:"When running servers restart: never (default), now, empty (nobody plays) or HH:MM"`
	Build   int64  `json:"build,omitempty" doc:"Target build of a rollback; default: the previous build"`
}

// GamePin is the request to pin or unpin the current build.
type GamePin struct {
	Pinned bool `json:"pinned"`
}

// Rollout is the progress of restarting servers with another build of the game.
type Rollout struct {
	Mode      string        `json:"mode" doc:"now, empty (when nobody plays) or HH:MM"`
	State     string        `json:"state" enum:"waiting,running,done,failed,cancelled"`
	Reason    string        `json:"reason" doc:"Reason for the end of the rollout"`
	Build     int64         `json:"build" doc:"Target build; 0 until the rollout starts"`
	Job       left4me.JobID `json:"job" doc:"The rollout starts when this job ends"`
	By        string        `json:"by"`
	CreatedAt time.Time     `json:"created_at"`
	BegunAt   time.Time     `json:"begun_at,omitzero"`
	EndedAt   time.Time     `json:"ended_at,omitzero"`
	Servers   []Move        `json:"servers" doc:"Servers already restarted, then pending ones"`
}

// Move is the progress of a rollout on one server.
type Move struct {
	Server left4me.Name  `json:"server"`
	State  string        `json:"state" enum:"wants,moving,moved,left,failed"`
	Reason string        `json:"reason" doc:"Reason why the rollout waits or the server was not restarted"`
	Job    left4me.JobID `json:"job" doc:"The server's restart job; empty if there is none yet"`
}
