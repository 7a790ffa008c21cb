package apitype

import (
	"time"

	"github.com/left4me/left4me/internal/left4me"
)

// Game is the game on a host.
type Game struct {
	Host      left4me.Name `json:"host"`
	Known     bool         `json:"known" doc:"The host has said what it has; else all of it is empty"`
	Problem   string       `json:"problem" doc:"Why the host can't be asked now; what is here is what it said last"`
	SaidAt    time.Time    `json:"said_at,omitzero"`
	Current   int64        `json:"current" doc:"The build that servers start with; 0 when the game is not installed"`
	Pinned    bool         `json:"pinned" doc:"No update may replace it"`
	Builds    []GameBuild  `json:"builds" doc:"Newest first; the current one and those that can be gone back to"`
	Latest    int64        `json:"latest" doc:"The newest build that Steam was seen to have; 0 when it isn't known"`
	Outdated  bool         `json:"outdated"`
	CheckedAt time.Time    `json:"checked_at,omitzero" doc:"When Steam was last asked"`
	CheckNote string       `json:"check_note"`
	SteamCMD  string       `json:"steamcmd" doc:"Where it is; empty when it will be fetched"`
	Job       *JobRef      `json:"job,omitempty" doc:"The one under way, or the latest"`
	Rollout   *Rollout     `json:"rollout,omitempty" doc:"The newest one, under way or not"`
	Policy    GamePolicy   `json:"policy"`
}

// GameBuild is one build of the game on a host.
type GameBuild struct {
	Build       int64          `json:"build"`
	Version     string         `json:"version"`
	Current     bool           `json:"current"`
	InstalledAt time.Time      `json:"installed_at,omitzero"`
	Bytes       int64          `json:"bytes" doc:"Of its own layer on disk"`
	Layers      []string       `json:"layers" doc:"Top first"`
	Servers     []left4me.Name `json:"servers" doc:"Those that are up and run on it"`
}

// GamePolicy is when a host looks for newer builds and what it does with them.
type GamePolicy struct {
	CheckHours int    `json:"check_hours" doc:"Hours between two checks; 0 is never"`
	Update     bool   `json:"update" doc:"Update without being asked"`
	UpdateAt   string `json:"update_at,omitempty" doc:"HH:MM of the host; empty is as soon as it is seen"`
	Restart    string `json:"restart,omitempty" doc:"How servers move over then: never, now, empty or HH:MM"`
}

// GameRequest is what a job on the game is asked for with.
type GameRequest struct {
	Restart string `json:"restart,omitempty" doc:"How servers that are up move over: never (the default), now, empty or an hour as HH:MM"`
	Build   int64  `json:"build,omitempty" doc:"Of a rollback: the build to go to; without it, the one before"`
}

// GamePin says whether updates may replace the current build.
type GamePin struct {
	Pinned bool `json:"pinned"`
}

// Rollout is how servers move over to another build of the game.
type Rollout struct {
	Mode      string        `json:"mode" doc:"now, empty or HH:MM"`
	State     string        `json:"state" enum:"waiting,running,done,failed,cancelled"`
	Reason    string        `json:"reason" doc:"Why it ended as it did"`
	Build     int64         `json:"build" doc:"That servers move to; 0 until it has begun"`
	Job       left4me.JobID `json:"job" doc:"Its end begins the rollout"`
	By        string        `json:"by"`
	CreatedAt time.Time     `json:"created_at"`
	BegunAt   time.Time     `json:"begun_at,omitzero"`
	EndedAt   time.Time     `json:"ended_at,omitzero"`
	Servers   []Move        `json:"servers" doc:"Those that were moved, then those that have yet to"`
}

// Move is what a rollout does with one server.
type Move struct {
	Server left4me.Name  `json:"server"`
	State  string        `json:"state" enum:"wants,moving,moved,left,failed"`
	Reason string        `json:"reason" doc:"What it waits for, or why it did not move"`
	Job    left4me.JobID `json:"job" doc:"Its restart; empty while there is none"`
}
