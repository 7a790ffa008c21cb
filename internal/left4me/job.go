package left4me

import (
	"strings"
	"time"
)

// JobID identifies a job permanently. Ids sort by creation time.
type JobID string

// JobKind is the kind of a job, as noun.verb.
type JobKind string

// The kinds of jobs on a server.
const (
	StartServer   JobKind = "server.start"
	StopServer    JobKind = "server.stop"
	RestartServer JobKind = "server.restart"
	ResetServer   JobKind = "server.reset"
	DeleteServer  JobKind = "server.delete"
	ChangeMap     JobKind = "server.map" // its payload is a MapChange
)

// Noun returns the part of the kind before the dot: the kind of object that the job works on. Two
// jobs with the same noun and target never run at the same time.
func (k JobKind) Noun() string {
	noun, _, _ := strings.Cut(string(k), ".")
	return noun
}

// Verb returns the part of the kind after the dot.
func (k JobKind) Verb() string {
	_, verb, _ := strings.Cut(string(k), ".")
	return verb
}

// Wants returns the desired server state that a request for such a job implies; empty if the job
// does not affect it.
func (k JobKind) Wants() Wanted {
	switch k {
	case StartServer, RestartServer, ResetServer:
		return WantRunning
	case StopServer, DeleteServer:
		return WantStopped
	}
	return ""
}

// JobState is the state of a job.
type JobState string

// A job is queued, then running, and ends in one of the other four states. JobInterrupted means
// that left4me ended while the job ran and its progress is unknown; the job can be retried.
const (
	JobQueued      JobState = "queued"
	JobRunning     JobState = "running"
	JobDone        JobState = "done"
	JobFailed      JobState = "failed"
	JobCancelled   JobState = "cancelled"
	JobInterrupted JobState = "interrupted"
)

// Ended reports whether the state is final.
func (s JobState) Ended() bool { return s != JobQueued && s != JobRunning }

// StepState is the state of a step: pending → running → done, failed or skipped.
type StepState string

// The states of a step.
const (
	StepPending StepState = "pending"
	StepRunning StepState = "running"
	StepDone    StepState = "done"
	StepFailed  StepState = "failed"
	StepSkipped StepState = "skipped"
)

// Progress is the progress of a step. Total is 0 if unknown.
type Progress struct {
	Done  int64  `json:"done"`
	Total int64  `json:"total"`
	Unit  string `json:"unit"`           // "bytes" or "files"; empty if the step counts nothing
	Rate  int64  `json:"rate,omitempty"` // units per second, recent average
}

// Step is one labelled part of a job. The label is stable, because external tools may match it.
type Step struct {
	Label     string    `json:"label"`
	State     StepState `json:"state"`
	Progress  Progress  `json:"progress"`
	Note      string    `json:"note,omitempty"`     // English text of Notes: "not mounted"
	Notes     Notes     `json:"notes,omitempty"`    // result; empty from a host without codes
	Warning   string    `json:"warning,omitempty"`  // English text of Warnings
	Warnings  Notes     `json:"warnings,omitempty"` // problems that need attention although the step is done
	StartedAt time.Time `json:"started_at,omitzero"`
	EndedAt   time.Time `json:"ended_at,omitzero"`
}

// Job is a long-running task of a host.
type Job struct {
	ID        JobID     `json:"id"`
	Kind      JobKind   `json:"kind"`
	Target    Name      `json:"target"`
	TargetID  ID        `json:"target_id,omitempty"` // id of the server or overlay; empty for a host, or if unknown
	Host      Name      `json:"host"`
	State     JobState  `json:"state"`
	Steps     []Step    `json:"steps"`
	Log       []string  `json:"log,omitempty"` // the last lines of output, bounded by ClipLog
	Error     *Error    `json:"error,omitempty"`
	By        Actor     `json:"by,omitzero"`          // the requester
	Reason    Note      `json:"reason,omitzero"`      // why left4me itself requested the job
	RequestID string    `json:"request_id,omitempty"` // id of the API request; see package requestid
	Attempt   int       `json:"attempt"`
	CreatedAt time.Time `json:"created_at"`
	StartedAt time.Time `json:"started_at,omitzero"`
	EndedAt   time.Time `json:"ended_at,omitzero"`
	// MapChange is the change of a ChangeMap job; nil for all other kinds.
	MapChange *MapChange `json:"map_change,omitempty"`
}

// MapChange is a change of the map of a running server.
type MapChange struct {
	Server Name   `json:"server,omitempty"` // the name that the host uses
	From   string `json:"from,omitempty"`   // map at the time of the request; empty if unknown
	To     string `json:"to"`
	Mode   string `json:"mode,omitempty"` // empty: unchanged
}

// Labels of the steps of server jobs.
const (
	StepRename      = "rename files"
	StepWriteConfig = "write configuration"
	StepCheckPort   = "check port"
	StepLaunch      = "start server"
	StepAwaitReady  = "wait until it answers players"
	StepStop        = "stop server"
	StepUnmount     = "unmount overlay (if mounted)"
	StepEmptyUpper  = "empty writable layer"
	StepRemoveFiles = "remove files"
	// StepKeepFiles sets the files of a deleted server aside. Its progress is their size.
	StepKeepFiles = "set files aside"
	StepChangeMap = "change map"
	StepAwaitMap  = "wait until the map is loaded"
)
