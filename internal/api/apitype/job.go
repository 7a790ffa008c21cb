package apitype

import (
	"time"

	"github.com/left4me/left4me/internal/left4me"
)

// Job is a long piece of work with an end.
type Job struct {
	ID        left4me.JobID    `json:"id"`
	Kind      left4me.JobKind  `json:"kind" doc:"noun.verb, for example server.start"`
	Target    left4me.Name     `json:"target"`
	TargetID  left4me.ID       `json:"target_id,omitempty" doc:"Of the server or overlay; absent: a host, or not known"`
	Host      left4me.Name     `json:"host"`
	State     left4me.JobState `json:"state" enum:"queued,running,done,failed,cancelled,interrupted"`
	Steps     []left4me.Step   `json:"steps" doc:"Labels are stable"`
	Log       []string         `json:"log,omitzero" doc:"The last lines that the work printed; left out of lists"`
	Error     *left4me.Error   `json:"error,omitempty"`
	By        string           `json:"by" doc:"Who asked for it"`
	Reason    string           `json:"reason" doc:"Why, when it was left4me itself; else empty"`
	Attempt   int              `json:"attempt"`
	CreatedAt time.Time        `json:"created_at"`
	StartedAt time.Time        `json:"started_at,omitzero"`
	EndedAt   time.Time        `json:"ended_at,omitzero"`
	RequestID string           `json:"request_id" doc:"Of the request that asked for it; empty in jobs from before there were ids"`
}

// JobRef names a job.
type JobRef struct {
	ID    left4me.JobID    `json:"id"`
	Kind  left4me.JobKind  `json:"kind"`
	State left4me.JobState `json:"state"`
}

// FailedJob is a job that failed, and why.
type FailedJob struct {
	JobRef
	Error left4me.Error `json:"error"`
}
