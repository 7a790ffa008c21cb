package api

import (
	"context"

	"github.com/left4me/left4me/internal/api/apitype"
	"github.com/left4me/left4me/internal/left4me"
)

type byHost struct {
	Host string `path:"host" maxLength:"64"`
}

func (a *api) hostDoctor(ctx context.Context, in *byHost) (apitype.HostDoctor, error) {
	name, err := pathName(in.Host)
	if err != nil {
		return apitype.HostDoctor{}, err
	}
	checks, err := a.Hosts.Doctor(ctx, name)
	return apitype.HostDoctor{Host: name, Healthy: left4me.Healthy(checks), Checks: orNone(checks)}, err
}

func (a *api) reachServer(ctx context.Context, in *ByName) (apitype.ServerReach, error) {
	name, err := pathName(in.Name)
	if err != nil {
		return apitype.ServerReach{}, err
	}
	checks, err := a.Servers.Reach(ctx, name)
	r := apitype.ServerReach{Server: name, Joinable: left4me.Healthy(checks), Checks: orNone(checks)}
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
