package page

import "github.com/left4me/left4me/internal/left4me"

// Topic is something that a part of a page can depend on. A topic without a name
// stands for all of its kind.
type Topic struct{ kind, name string }

// OnServer is all of one server: its definition, its state, its players, its jobs
// with their steps, its crashes.
func OnServer(n left4me.Name) Topic { return Topic{"server", string(n)} }

// OnServers is all of any server.
func OnServers() Topic { return Topic{kind: "server"} }

// OnRun is how a server runs, without what changes all the time: its definition, its
// state, what it was started with, its map.
func OnRun(n left4me.Name) Topic { return Topic{"run", string(n)} }

// OnDefinitions is which servers there are, and how they are defined.
func OnDefinitions() Topic { return Topic{kind: "definitions"} }

// OnRunning is which servers are up, and with which build and overlays.
func OnRunning() Topic { return Topic{kind: "running"} }

// OnJob is one job with its steps.
func OnJob(id left4me.JobID) Topic { return Topic{"job", string(id)} }

// OnJobs is any job with its steps.
func OnJobs() Topic { return Topic{kind: "job"} }

// OnWork is the jobs on one target with their steps.
func OnWork(noun string, target left4me.Name) Topic { return Topic{"work " + noun, string(target)} }

// OnEnds is that a job on any target of a noun came, began or ended.
func OnEnds(noun string) Topic { return Topic{"end", noun} }

// OnContent is the definitions of overlays and blueprints, and what the host has of
// overlays.
func OnContent() Topic { return Topic{kind: "content"} }

// OnGame is the game on the host: builds, policy and rollout.
func OnGame() Topic { return Topic{kind: "game"} }

// OnBackups is the backups and their policy.
func OnBackups() Topic { return Topic{kind: "backups"} }

// OnUploads is the uploads under way.
func OnUploads() Topic { return Topic{kind: "uploads"} }

// OnAccounts is the users, their sessions and tokens.
func OnAccounts() Topic { return Topic{kind: "accounts"} }

// OnDisk is whether a disk is full.
func OnDisk() Topic { return Topic{kind: "disk"} }
