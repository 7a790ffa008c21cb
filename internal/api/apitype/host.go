package apitype

import (
	"github.com/left4me/left4me/internal/left4me"
)

// HostDoctor is the result of a host's checks.
type HostDoctor struct {
	Host    left4me.Name    `json:"host"`
	Healthy bool            `json:"healthy" doc:"No check found anything broken"`
	Checks  []left4me.Check `json:"checks"`
}
