package apitype

import (
	"github.com/left4me/left4me/internal/left4me"
)

// HostDoctor is the result of a host's checks.
type HostDoctor struct {
	Host    left4me.Name    `json:"host"`
	Healthy bool            `json:"healthy" doc:"No check has the state broken"`
	Checks  []left4me.Check `json:"checks"`
}

// PublicAddress is the host that players connect to.
type PublicAddress struct {
	Address string `json:"address" doc:"Current host name or IP address; empty if unknown"`
	Source  string `json:"source" enum:"setting,environment,host," doc:"host: detected on the host; environment: LEFT4ME_PUBLIC_ADDRESS"`
	Setting string `json:"setting" doc:"Address set by a user; empty if not set"`
}

// NewPublicAddress is the request to set the host that players connect to.
type NewPublicAddress struct {
	Address string `json:"address" doc:"Host name or IP address without a port; empty: use the one from the environment or the host"`
}
