package apitype

import (
	"time"

	"github.com/left4me/left4me/internal/left4me"
)

// Job is a long-running task of a host.
type Job struct {
	ID        left4me.JobID    `json:"id"`
	Kind      left4me.JobKind  `json:"kind" doc:"noun.verb, for example server.start"`
	Target    left4me.Name     `json:"target"`
	TargetID  left4me.ID       `json:"target_id,omitempty" doc:"Id of the server or overlay; absent: a host, or unknown"`
	Host      left4me.Name     `json:"host"`
	State     left4me.JobState `json:"state" enum:"queued,running,done,failed,cancelled,interrupted"`
	Steps     []left4me.Step   `json:"steps" doc:"Steps with stable labels"`
	Log       []string         `json:"log,omitzero" doc:"The last lines of output; absent in lists"`
	Error     *left4me.Error   `json:"error,omitempty"`
	By        string           `json:"by" doc:"User who requested the job, or left4me"`
	Reason    string           `json:"reason" doc:"Reason, if left4me itself requested the job; otherwise empty"`
	Attempt   int              `json:"attempt"`
	CreatedAt time.Time        `json:"created_at"`
	StartedAt time.Time        `json:"started_at,omitzero"`
	EndedAt   time.Time        `json:"ended_at,omitzero"`
	Map       *JobMap          `json:"map,omitempty" doc:"Absent, except for server.map"`
	RequestID string           `json:"request_id" doc:"Id of the request that created the job; empty in jobs of older versions"`
}

// JobMap is the change of a map by a job.
type JobMap struct {
	From string `json:"from" doc:"Map at the time of the request; empty if unknown"`
	To   string `json:"to"`
	Mode string `json:"mode" doc:"Empty: unchanged"`
}

// JobRef refers to a job.
type JobRef struct {
	ID    left4me.JobID    `json:"id"`
	Kind  left4me.JobKind  `json:"kind"`
	State left4me.JobState `json:"state"`
}

// FailedJob is a failed job and its error.
type FailedJob struct {
	JobRef
	Error left4me.Error `json:"error"`
}
