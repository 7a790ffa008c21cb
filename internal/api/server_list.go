package api

import (
	"context"
	"slices"

	"github.com/left4me/left4me/internal/api/apitype"
	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/internal/left4me"
)

// serverList is the answer to GET /servers for whoever may see all of them, kept until
// something in it changes: every monitor asks for it far more often than that, and most
// of the work would be to write the same JSON again.
type serverList struct {
	version servers.Version
	on      []left4me.Target // the servers in it
	body    []byte
}

// onServer is a server as a target.
func onServer(v servers.View) left4me.Target { return v.Target() }

var byServerName = order[apitype.GameServer]{key: func(s apitype.GameServer) string { return string(s.Name) }}

func (a serverRoutes) list(ctx context.Context, in *ListInput) (body []byte, next string, err error) {
	whole := *in == ListInput{}
	version := a.core.Servers.Version() // before reading: what changes meanwhile makes it old
	if l := a.core.listed.Load(); whole && l != nil && l.version == version && a.seesAll(ctx, l.on) {
		return l.body, "", nil
	}
	views, err := a.core.Servers.List(ctx)
	if err != nil {
		return nil, "", err
	}
	there := len(views)
	views = accounts.Visible(actorOf(ctx), views, onServer)
	all, on := make([]apitype.GameServer, len(views)), make([]left4me.Target, len(views))
	for i, v := range views {
		all[i], on[i] = serverOf(v), onServer(v)
	}
	body, next, err = byServerName.page(all, *in)
	if err == nil && whole && len(views) == there {
		a.core.listed.Store(&serverList{version, on, body})
	}
	return body, next, err
}

func (a serverRoutes) seesAll(ctx context.Context, on []left4me.Target) bool {
	actor := actorOf(ctx)
	return !slices.ContainsFunc(on, func(t left4me.Target) bool { return accounts.Allow(actor, see, t) != nil })
}
