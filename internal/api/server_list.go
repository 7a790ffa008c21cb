package api

import (
	"context"

	"github.com/left4me/left4me/internal/api/apitype"
	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/internal/left4me"
)

// serverList caches the answer to GET /servers for actors who may see everything, until something
// in it changes. Monitoring systems request it much more often than that, and most of the work
// would be encoding the same JSON again.
type serverList struct {
	version servers.Version
	body    []byte
}

// onServer returns a server as a target.
func onServer(v servers.View) left4me.Target { return v.Target() }

var byServerName = order[apitype.GameServer]{key: func(s apitype.GameServer) string { return string(s.Name) }}

func (a serverRoutes) list(ctx context.Context, in *ListInput) (body []byte, next string, err error) {
	who := actorOf(ctx)
	kept := *in == ListInput{} && who.Only == nil
	version := a.core.Servers.Version() // taken before reading, so a concurrent change invalidates the cached list
	if l := a.core.listed.Load(); kept && l != nil && l.version == version {
		return l.body, "", nil
	}
	views, err := a.core.Servers.List(ctx)
	if err != nil {
		return nil, "", err
	}
	views = accounts.Visible(who, views, onServer)
	all := make([]apitype.GameServer, len(views))
	for i, v := range views {
		all[i] = serverFor(who, v)
	}
	body, next, err = byServerName.page(all, *in)
	if err == nil && kept {
		a.core.listed.Store(&serverList{version, body})
	}
	return body, next, err
}
