package left4me

import "time"

// The kinds of jobs on the game of a host; their target is the host's name.
const (
	InstallGame  JobKind = "game.install"
	UpdateGame   JobKind = "game.update"
	VerifyGame   JobKind = "game.verify"
	RollbackGame JobKind = "game.rollback"
	FlattenGame  JobKind = "game.flatten" // merges layers that nothing needs apart
	CheckGame    JobKind = "game.check"   // asks Steam for the newest build
)

// Labels of the steps of game jobs.
const (
	StepCheckSpace    = "check disk space"
	StepFindSteamCMD  = "find SteamCMD"
	StepStage         = "prepare an overlay on the installation"
	StepLogIn         = "log in to Steam"
	StepVerifyFiles   = "verify files"
	StepDownload      = "download"
	StepCommit        = "write files"
	StepJudge         = "check what is on disk"
	StepPublish       = "publish the build"
	StepLinkSDK       = "link Steam's libraries"
	StepAskSteam      = "ask Steam for the newest build"
	StepSwitchBuild   = "switch to the build"
	StepFlatten       = "merge layers"
	StepDropOldLayers = "remove layers that nothing uses"
)

// InstallInstance is the instance whose overlay SteamCMD writes to: no server
// can have its name.
const InstallInstance Name = "left4me-install"

// GameSpec is what a host is told of a game job.
type GameSpec struct {
	Build int64 `json:"build,omitempty"` // of a rollback: the build to go to; 0 is the one before
}

// Game is what a host has of the game.
type Game struct {
	Current   int64       `json:"current"` // the build that servers start with; 0 when the game is not installed
	Pinned    bool        `json:"pinned"`  // no update may replace it
	Builds    []GameBuild `json:"builds"`  // newest first; the current one and those that can be gone back to
	Latest    int64       `json:"latest"`  // the newest build that Steam was seen to have; 0 when it isn't known
	Outdated  bool        `json:"outdated"`
	CheckedAt time.Time   `json:"checked_at,omitzero"` // when Steam was last asked
	CheckNote string      `json:"check_note,omitempty"`
	SteamCMD  string      `json:"steamcmd"` // where it is; empty when it will be fetched
}

// GameBuild is one build of the game on a host, a stack of layers.
type GameBuild struct {
	Build       int64     `json:"build"`
	Version     string    `json:"version"` // PatchVersion of steam.inf: 2.2.4.3
	InstalledAt time.Time `json:"installed_at"`
	Bytes       int64     `json:"bytes"`   // of its own layer on disk
	Layers      []string  `json:"layers"`  // directories beneath installation/, top first
	Servers     []Name    `json:"servers"` // those that are up and run on it
}
