package page

import "github.com/left4me/left4me/internal/left4me"

// Topic identifies data whose changes a part of a page can depend on. A topic without a name stands for all
// of its kind.
type Topic struct{ kind, name string }

// OnServer covers everything about a server: definition, state, players, jobs with their steps, and
// crashes.
func OnServer(n left4me.Name) Topic { return Topic{"server", string(n)} }

// OnServers covers everything about all servers.
func OnServers() Topic { return Topic{kind: "server"} }

// OnRun covers what changes rarely about a server: definition, state, what it was started with, and map.
func OnRun(n left4me.Name) Topic { return Topic{"run", string(n)} }

// OnDefinitions covers which servers exist, and their definitions.
func OnDefinitions() Topic { return Topic{kind: "definitions"} }

// OnRunning covers which servers are running, and with which build and overlays.
func OnRunning() Topic { return Topic{kind: "running"} }

// OnJob covers a job with its steps.
func OnJob(id left4me.JobID) Topic { return Topic{"job", string(id)} }

// OnJobs covers all jobs with their steps.
func OnJobs() Topic { return Topic{kind: "job"} }

// OnWork covers the jobs on one target with their steps.
func OnWork(noun string, target left4me.Name) Topic { return Topic{"work " + noun, string(target)} }

// OnEnds covers the creation, start and end of jobs on all targets of a noun, without their steps.
func OnEnds(noun string) Topic { return Topic{"end", noun} }

// OnDeletedServers covers which deleted servers can be restored.
func OnDeletedServers() Topic { return Topic{kind: "deleted"} }

// OnContent covers the definitions of overlays and blueprints, and the overlays on the host.
func OnContent() Topic { return Topic{kind: "content"} }

// OnGame covers the game on the host: builds, update policy and rollout.
func OnGame() Topic { return Topic{kind: "game"} }

// OnBulk covers the starts, stops and restarts of several servers.
func OnBulk() Topic { return Topic{kind: "bulk"} }

// OnBackups covers the backups and their schedule.
func OnBackups() Topic { return Topic{kind: "backups"} }

// OnUploads covers the unpublished uploads.
func OnUploads() Topic { return Topic{kind: "uploads"} }

// OnAccounts covers users, sessions and tokens.
func OnAccounts() Topic { return Topic{kind: "accounts"} }

// OnDisk covers whether a disk is full.
func OnDisk() Topic { return Topic{kind: "disk"} }
