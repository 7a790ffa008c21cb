package api

import (
	"context"

	"github.com/left4me/left4me/internal/api/apitype"
	"github.com/left4me/left4me/internal/control/servers"
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

func addressOf(v servers.PublicAddress) apitype.PublicAddress {
	return apitype.PublicAddress{Setting: v.Setting, Address: v.Host(), Source: v.Source()}
}

func (a hostRoutes) showAddress(ctx context.Context, _ *none) (apitype.PublicAddress, error) {
	v, err := a.core.Servers.Addresses().Get(ctx)
	return addressOf(v), err
}

func (a hostRoutes) setAddress(ctx context.Context, in *struct{ Body apitype.NewPublicAddress }) (apitype.PublicAddress, error) {
	v, err := a.core.Servers.Addresses().Set(ctx, actorOf(ctx).Cause(), in.Body.Address)
	return addressOf(v), err
}

func orNone(checks []left4me.Check) []left4me.Check {
	if checks == nil {
		return []left4me.Check{}
	}
	return checks
}
