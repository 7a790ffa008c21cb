package api

import (
	"context"

	"github.com/left4me/left4me/internal/api/apitype"
	"github.com/left4me/left4me/internal/control/servers"
)

// serverList is the answer to GET /servers, kept until something in it changes:
// every monitor asks for it far more often than that, and most of the work would be
// to write the same JSON again.
type serverList struct {
	version servers.Version
	body    []byte
}

var byServerName = order[apitype.GameServer]{key: func(s apitype.GameServer) string { return string(s.Name) }}

func (a serverRoutes) list(ctx context.Context, in *ListInput) (body []byte, next string, err error) {
	whole := *in == ListInput{}
	version := a.core.Servers.Version() // before reading: what changes meanwhile makes it old
	if l := a.core.listed.Load(); whole && l != nil && l.version == version {
		return l.body, "", nil
	}
	views, err := a.core.Servers.List(ctx)
	if err != nil {
		return nil, "", err
	}
	all := make([]apitype.GameServer, len(views))
	for i, v := range views {
		all[i] = serverOf(v)
	}
	body, next, err = byServerName.page(all, *in)
	if err == nil && whole {
		a.core.listed.Store(&serverList{version, body})
	}
	return body, next, err
}
