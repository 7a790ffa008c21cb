package apitype

import (
	"github.com/left4me/left4me/internal/left4me"
)

// HostDoctor is what a host found out about itself.
type HostDoctor struct {
	Host    left4me.Name    `json:"host"`
	Healthy bool            `json:"healthy" doc:"Nothing is broken"`
	Checks  []left4me.Check `json:"checks"`
}
