package api

import (
	"context"

	"github.com/left4me/left4me/internal/api/apitype"
	"github.com/left4me/left4me/internal/left4me"
)

// hostRoutes handles requests about hosts.
type hostRoutes struct{ core *core }

func (a hostRoutes) hostDoctor(ctx context.Context, host left4me.Name, _ *none) (apitype.HostDoctor, error) {
	name, err := pathName(string(host))
	if err != nil {
		return apitype.HostDoctor{}, err
	}
	checks, err := a.core.Hosts.Doctor(ctx, name)
	return apitype.HostDoctor{Host: name, Healthy: left4me.Healthy(checks), Checks: orNone(checks)}, err
}

func orNone(checks []left4me.Check) []left4me.Check {
	if checks == nil {
		return []left4me.Check{}
	}
	return checks
}
