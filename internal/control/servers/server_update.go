package servers

import (
	"context"
	"time"

	"github.com/left4me/left4me/internal/left4me"
)

// askWithin limits requests that a host answers from memory or from a few files.
const askWithin = 15 * time.Second

// Update changes the port, blueprint, overlays, settings and autostart of a server. A running
// server uses them from its next start. v.Version is the version that was edited; 0 skips the
// check. An empty host, port 0 and an empty autostart keep the current value. Errors:
// left4me.NotFound; left4me.Invalid with the field; left4me.Conflict if the server was changed
// since that version, or if the port is in use, also by a server that keeps it until its next start.
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
