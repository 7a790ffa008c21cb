package servers

import (
	"context"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/store"
)

// Crashes returns the newest crashes of a server, at most limit.
func (s *Servers) Crashes(ctx context.Context, name left4me.Name, limit int) ([]store.Crash, error) {
	return s.storage.Crashes().List(ctx, name, limit)
}

func (s *Servers) storeCrash(ctx context.Context) func(string, []byte) error {
	return func(subject string, data []byte) error {
		if bus.VerbOf(subject) != bus.KindCrash {
			return nil
		}
		var c bus.Crash
		if err := bus.Decode(data, &c); err != nil {
			s.log.WarnContext(ctx, "crash of a server", "subject", subject, "err", err)
			return nil // a retry would fail too
		}
		host := bus.HostOf(subject)
		err := s.storage.Crashes().Add(ctx, store.Crash{
			Host: host, Server: c.Server, ServerID: c.ServerID, At: c.At, Exit: c.Exit, Uptime: c.Uptime, Lines: c.Lines,
		})
		if err == nil {
			s.status.crashed(host, c.Server)
		}
		return err
	}
}

// crashed notifies watchers of a crash that a host reported.
func (l *statuses) crashed(host, server left4me.Name) {
	l.mu.Lock()
	name := l.name(key{host, server})
	l.mu.Unlock()
	l.changed(name)
}
