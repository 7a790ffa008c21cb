package left4me

import "time"

// The kinds of jobs on the game of a host; their target is the host's name.
const (
	InstallGame  JobKind = "game.install"
	UpdateGame   JobKind = "game.update"
	VerifyGame   JobKind = "game.verify"
	RollbackGame JobKind = "game.rollback"
	FlattenGame  JobKind = "game.flatten" // merges layers that need not stay separate
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

// InstallInstance is the instance whose overlay mount SteamCMD writes to. No server can have its
// name.
const InstallInstance Name = "left4me-install"

// GameSpec is the part of a game job that is sent to the host.
type GameSpec struct {
	Build int64 `json:"build,omitempty"` // target of a rollback; 0: the previous build
}

// Game describes the game installation of a host.
type Game struct {
	Current    int64       `json:"current"` // the current build; 0 if the game is not installed
	Pinned     bool        `json:"pinned"`  // updates must not replace the current build
	Builds     []GameBuild `json:"builds"`  // newest first: the current build and the builds available for a rollback
	Latest     int64       `json:"latest"`  // the newest build known from Steam; 0 if unknown
	Outdated   bool        `json:"outdated"`
	CheckedAt  time.Time   `json:"checked_at,omitzero"`  // time of the last check with Steam
	CheckNote  string      `json:"check_note,omitempty"` // English text of CheckNotes
	CheckNotes Notes       `json:"check_notes,omitempty"`
	SteamCMD   string      `json:"steamcmd"` // path; empty if SteamCMD will be downloaded
}

// GameBuild is a build of the game on a host: a stack of layers.
type GameBuild struct {
	Build       int64     `json:"build"`
	Version     string    `json:"version"` // PatchVersion in steam.inf: 2.2.4.3
	InstalledAt time.Time `json:"installed_at"`
	Bytes       int64     `json:"bytes"`   // disk space of its own layer
	Layers      []string  `json:"layers"`  // directories under installation/, top first
	Servers     []Name    `json:"servers"` // servers that currently run this build
}
