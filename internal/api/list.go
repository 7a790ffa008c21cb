package api

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"github.com/left4me/left4me/internal/api/apitype"
	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/servers"
)

// list is the answer to GET /servers, kept until something in it changes: every
// monitor asks for it far more often than that, and most of the work would be to
// write the same JSON again.
type list struct {
	version servers.Version
	body    []byte
}

// listServers adds the route; it writes bytes itself, as streams do.
func (a *api) listServers(h huma.API, path, id, summary string) {
	op := operation(h, http.MethodGet, path, id, accounts.Look, http.StatusOK, summary)
	op.Responses["200"] = &huma.Response{
		Description: http.StatusText(http.StatusOK),
		Content:     map[string]*huma.MediaType{"application/json": {Schema: schemaOf[[]apitype.GameServer](h)}},
	}
	huma.Register(h, op, func(ctx context.Context, _ *none) (*huma.StreamResponse, error) {
		body, err := a.list(ctx)
		if err != nil {
			return nil, problemOf(ctx, err)
		}
		return &huma.StreamResponse{Body: func(hc huma.Context) {
			hc.SetHeader("Content-Type", "application/json")
			hc.SetHeader("Content-Length", strconv.Itoa(len(body)))
			_, _ = hc.BodyWriter().Write(body)
		}}, nil
	})
}

func (a *api) list(ctx context.Context) ([]byte, error) {
	version := a.Servers.Version() // before reading: what changes meanwhile makes it old
	if l := a.listed.Load(); l != nil && l.version == version {
		return l.body, nil
	}
	views, err := a.Servers.List(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]apitype.GameServer, len(views))
	for i, v := range views {
		all[i] = serverOf(v)
	}
	body, err := json.Marshal(all)
	if err != nil {
		return nil, err
	}
	l := &list{version, append(body, '\n')}
	a.listed.Store(l)
	return l.body, nil
}
