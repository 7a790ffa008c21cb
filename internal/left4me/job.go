package left4me

import (
	"strings"
	"time"
)

// JobID identifies a job for ever; it sorts by time of creation.
type JobID string

// JobKind says what a job does, as noun.verb.
type JobKind string

// The kinds of jobs on a server.
const (
	StartServer   JobKind = "server.start"
	StopServer    JobKind = "server.stop"
	RestartServer JobKind = "server.restart"
	ResetServer   JobKind = "server.reset"
	DeleteServer  JobKind = "server.delete"
)

// Noun is what the job works on: the part of the kind before the dot. Two jobs
// with the same noun and target never run at the same time.
func (k JobKind) Noun() string {
	noun, _, _ := strings.Cut(string(k), ".")
	return noun
}

// Verb is the part of the kind behind the dot.
func (k JobKind) Verb() string {
	_, verb, _ := strings.Cut(string(k), ".")
	return verb
}

// Wants is what somebody wants of a server who asks for such a job; empty when
// the job changes nothing about that.
func (k JobKind) Wants() Wanted {
	switch k {
	case StartServer, RestartServer, ResetServer:
		return WantRunning
	case StopServer, DeleteServer:
		return WantStopped
	}
	return ""
}

// JobState is where a job is in its life.
type JobState string

// A job is queued, runs, and ends in one of four ways. Interrupted means that
// left4me ended while it ran and can't tell how far it came; it can be retried.
const (
	JobQueued      JobState = "queued"
	JobRunning     JobState = "running"
	JobDone        JobState = "done"
	JobFailed      JobState = "failed"
	JobCancelled   JobState = "cancelled"
	JobInterrupted JobState = "interrupted"
)

// Ended reports whether the job will not change any more.
func (s JobState) Ended() bool { return s != JobQueued && s != JobRunning }

// StepState is where a step of a job is: pending → running → done, failed or
// skipped.
type StepState string

// The states of a step.
const (
	StepPending StepState = "pending"
	StepRunning StepState = "running"
	StepDone    StepState = "done"
	StepFailed  StepState = "failed"
	StepSkipped StepState = "skipped"
)

// Progress counts the work of a step. Total 0 means that it isn't known.
type Progress struct {
	Done  int64  `json:"done"`
	Total int64  `json:"total"`
	Unit  string `json:"unit"`           // "bytes", "files"; empty when the step has nothing to count
	Rate  int64  `json:"rate,omitempty"` // units a second, of the last moments
}

// Step is one labelled part of a job. The label is stable: tools may match it.
type Step struct {
	Label     string    `json:"label"`
	State     StepState `json:"state"`
	Progress  Progress  `json:"progress"`
	Note      string    `json:"note,omitempty"`    // what was found: "was not mounted"
	Warning   string    `json:"warning,omitempty"` // what a person has to see to, though the step was done
	StartedAt time.Time `json:"started_at,omitzero"`
	EndedAt   time.Time `json:"ended_at,omitzero"`
}

// Job is a long piece of work with an end.
type Job struct {
	ID        JobID     `json:"id"`
	Kind      JobKind   `json:"kind"`
	Target    Name      `json:"target"`
	TargetID  ID        `json:"target_id,omitempty"` // of the server or overlay; empty for a host, and where it isn't known
	Host      Name      `json:"host"`
	State     JobState  `json:"state"`
	Steps     []Step    `json:"steps"`
	Log       []string  `json:"log,omitempty"` // the last lines that the work printed, bounded as ClipLog says
	Error     *Error    `json:"error,omitempty"`
	By        Actor     `json:"by,omitzero"`          // who asked for it
	Reason    string    `json:"reason,omitempty"`     // why, when it was left4me itself
	RequestID string    `json:"request_id,omitempty"` // of the request that asked for it; see package requestid
	Attempt   int       `json:"attempt"`
	CreatedAt time.Time `json:"created_at"`
	StartedAt time.Time `json:"started_at,omitzero"`
	EndedAt   time.Time `json:"ended_at,omitzero"`
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
)
