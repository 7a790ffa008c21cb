package servers

import (
	"context"
	"time"

	"github.com/left4me/left4me/internal/left4me"
)

// askWithin bounds what a host answers out of its memory or a few files.
const askWithin = 15 * time.Second

// Update changes the port, blueprint, overlays, settings and autostart of a server;
// what runs stays as it is until it starts anew. v.Version is the one that was
// looked at, 0 doesn't care; a host that is left out is the one it has, and so are
// port 0 and an empty autostart.
// Errors: left4me.NotFound; left4me.Invalid with the field; left4me.Conflict when
// somebody else changed it since, when the port is taken, or is to change while
// the server is up.
func (s *Servers) Update(ctx context.Context, by left4me.Actor, v left4me.Server) (View, error) {
	have, err := s.Get(ctx, v.Name)
	if err != nil {
		return View{}, err
	}
	if v.Host == "" {
		v.Host = have.Host
	}
	if v.Port == 0 {
		v.Port = have.Port
	}
	if v.Blueprint == "" {
		v.Blueprint = left4me.DefaultBlueprint
	}
	v.Settings = v.Settings.Normal()
	if err := s.Mistakes(ctx, v, false); err != nil {
		return View{}, err
	}
	if err := s.storage.By(by).Servers().Update(ctx, v); err != nil {
		return View{}, err
	}
	s.log.InfoContext(ctx, "server changed", "server", v.Name, "by", by.String())
	s.status.changed(v.Name)
	return s.Get(ctx, v.Name)
}
