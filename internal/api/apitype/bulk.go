package apitype

import (
	"time"

	"github.com/left4me/left4me/internal/left4me"
)

// BulkRequest selects several servers and says what to do with them. Exactly one of Servers, Blueprint
// and All must be set.
type BulkRequest struct {
	Action       string   `json:"action" doc:"start, stop or restart"`
	Mode         string   `json:"mode,omitempty" doc:"now (default), empty (each when nobody plays on it; not for a start) or one-by-one"`
	Servers      []string `json:"servers,omitempty" maxItems:"10000"`
	Blueprint    string   `json:"blueprint,omitempty" doc:"All servers that use this blueprint"`
	All          bool     `json:"all,omitempty" doc:"All servers"`
	NeedsRestart bool     `json:"needs_restart,omitempty" doc:"Only those of the selected servers that need a restart"`
}

// BulkPlan is what a BulkRequest would do.
type BulkPlan struct {
	Players int              `json:"players" doc:"People who would be disconnected"`
	Servers []BulkPlanServer `json:"servers" doc:"In the order in which the servers are worked on"`
}

// BulkPlanServer is a server of a plan.
type BulkPlanServer struct {
	Server  left4me.Name        `json:"server"`
	State   left4me.ServerState `json:"state"`
	Players int                 `json:"players" doc:"People who are playing"`
	Online  []string            `json:"online" doc:"Their names, as far as known"`
	Skip    *left4me.Error      `json:"skip,omitempty" doc:"Why the server would be left alone"`
}

// BulkAct is the start, stop or restart of several servers.
type BulkAct struct {
	ID          string       `json:"id"`
	Action      string       `json:"action" enum:"start,stop,restart"`
	Mode        string       `json:"mode" enum:"now,empty,one-by-one"`
	State       string       `json:"state" enum:"running,done,failed,cancelled"`
	By          string       `json:"by"`
	CancelledBy string       `json:"cancelled_by" doc:"Who cancelled it; or empty"`
	CreatedAt   time.Time    `json:"created_at"`
	EndedAt     time.Time    `json:"ended_at,omitzero"`
	Servers     []BulkServer `json:"servers" doc:"In the order in which they are worked on"`
}

// BulkServer is a server of a BulkAct.
type BulkServer struct {
	Server left4me.Name   `json:"server"`
	State  string         `json:"state" enum:"waiting,moving,moved,left,failed"`
	Job    left4me.JobID  `json:"job" doc:"Its job; empty if there is none yet"`
	Why    *left4me.Error `json:"why,omitempty" doc:"Why it failed or was left alone"`
}
