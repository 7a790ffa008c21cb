package api

import (
	"context"

	"github.com/left4me/left4me/internal/left4me"
)

// HostDoctor is what a host found out about itself.
type HostDoctor struct {
	Host    left4me.Name    `json:"host"`
	Healthy bool            `json:"healthy" doc:"Nothing is broken"`
	Checks  []left4me.Check `json:"checks"`
}

type byHost struct {
	Host string `path:"host" maxLength:"64"`
}

func (a *api) hostDoctor(ctx context.Context, in *byHost) (HostDoctor, error) {
	name, err := pathName(in.Host)
	if err != nil {
		return HostDoctor{}, err
	}
	checks, err := a.Hosts.Doctor(ctx, name)
	return HostDoctor{Host: name, Healthy: left4me.Healthy(checks), Checks: orNone(checks)}, err
}

// ServerReach is the way from a server to its players.
type ServerReach struct {
	Server   left4me.Name    `json:"server"`
	Joinable bool            `json:"joinable" doc:"Nothing was found that keeps everybody out"`
	First    *left4me.Check  `json:"first,omitempty" doc:"The first thing that is wrong"`
	Checks   []left4me.Check `json:"checks" doc:"In the order in which it was looked; the first that is broken is the last"`
}

func (a *api) reachServer(ctx context.Context, in *ByName) (ServerReach, error) {
	name, err := pathName(in.Name)
	if err != nil {
		return ServerReach{}, err
	}
	checks, err := a.Servers.Reach(ctx, name)
	r := ServerReach{Server: name, Joinable: left4me.Healthy(checks), Checks: orNone(checks)}
	if first, ok := left4me.FirstWrong(checks); ok {
		r.First = &first
	}
	return r, err
}

func orNone(checks []left4me.Check) []left4me.Check {
	if checks == nil {
		return []left4me.Check{}
	}
	return checks
}
