package servers

import (
	"context"
	"slices"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/left4me"
)

// Names manages names of servers and maps those of hosts to current ones. It is safe for concurrent
// use.
type Names struct{ servers *Servers }

// Names returns the names of servers; the value may be copied.
func (s *Servers) Names() Names { return Names{s} }

// Rename renames a server, whether or not it is running. Panel, API and command line use the new
// name immediately. On its host a running server keeps the old name, and the next start renames the
// server's directories, so both names are taken until then. version is the version that was edited;
// 0 skips the check. Errors: left4me.NotFound; left4me.Invalid and left4me.Conflict for the field
// "name"; left4me.Conflict if the server was changed since that version or is being deleted;
// left4me.Busy while a start renames it on its host.
func (s Names) Rename(ctx context.Context, by left4me.Actor, name, to left4me.Name, version int) (View, error) {
	if err := CheckName(to); err != nil {
		return View{}, err
	}
	before, after, err := s.servers.storage.By(by).Servers().Rename(ctx, name, to, version)
	if err != nil {
		return View{}, err
	}
	if before.Name != after.Name {
		s.servers.status.renamed(before, after)
		s.servers.log.InfoContext(ctx, "server renamed", "server", after.Name, "from", before.Name, "by", by.String())
	}
	return s.servers.Get(ctx, to)
}

// CheckName checks that a name is valid for a server. Errors: left4me.Fields of left4me.Invalid,
// for the field "name".
func CheckName(n left4me.Name) error {
	var f fields
	f.serverName(n)
	return f.err()
}

// renamed moves the status of a server to its new name.
func (l *statuses) renamed(before, after left4me.Server) {
	l.mu.Lock()
	// A status of an earlier server with the new name must not be shown for this one.
	if after.Name != after.OnHost() {
		delete(l.statuses, key{after.Host, after.Name})
	}
	l.learn([]left4me.Server{after})
	l.renames++
	l.seq++
	l.forgotten = append(l.forgotten, reportOf(after.Host, before.Name), reportOf(after.Host, after.Name))
	l.changes.Ring()
	l.mu.Unlock()
	l.changed(before.Name)
	l.changed(after.Name)
}

// learn records the host names of servers that differ from their current names. mu must be held.
func (l *statuses) learn(all []left4me.Server) {
	for _, v := range all {
		delete(l.shown, key{v.Host, v.Name})
		if v.HostName != "" {
			l.shown[key{v.Host, v.HostName}] = v.Name
		}
	}
}

// relearn updates the names from all servers, which read returns. It reads again if a server was
// renamed in the meantime. Statuses under names that no host uses any more are dropped.
func (l *statuses) relearn(read func() ([]left4me.Server, error)) error {
	for done := false; !done; {
		l.mu.Lock()
		renames := l.renames
		l.mu.Unlock()
		all, err := read()
		if err != nil {
			return err
		}
		l.mu.Lock()
		if done = renames == l.renames; done {
			l.replaceNames(all)
		}
		l.mu.Unlock()
	}
	return nil
}

// replaceNames applies the rows that relearn has read. mu must be held.
func (l *statuses) replaceNames(all []left4me.Server) {
	before := l.shown
	l.shown = map[key]left4me.Name{}
	l.learn(all)
	for k := range before {
		if l.shown[k] != "" {
			continue
		}
		used := false
		for _, v := range all {
			used = used || v.Host == k.host && v.OnHost() == k.server
		}
		if !used {
			delete(l.statuses, k)
		}
	}
}

// name returns the current name of a server with the host name k. mu must be held.
func (l *statuses) name(k key) left4me.Name {
	if n := l.shown[k]; n != "" {
		return n
	}
	return k.server
}

// Shown returns the current names of servers for their host names, in a new slice.
func (s Names) Shown(host left4me.Name, names []left4me.Name) []left4me.Name {
	l := s.servers.status
	l.mu.Lock()
	defer l.mu.Unlock()
	shown := slices.Clone(names)
	for i, n := range shown {
		shown[i] = l.name(key{host, n})
	}
	return shown
}

// Error returns an error of a host with the current names of its servers and, according to
// overlays, of its overlays.
func (s Names) Error(host left4me.Name, overlays left4me.OverlayNames, err error) error {
	l := s.servers.status
	return overlays.Error(err, func(n left4me.Name) left4me.Name {
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.name(key{host, n})
	})
}

// shown is like Error with the current names of overlays. If those cannot be read, it leaves the
// overlay names unchanged.
func (s Names) shown(ctx context.Context, host left4me.Name, err error) error {
	if err == nil {
		return nil
	}
	overlays, rerr := s.servers.storage.Overlays().Names(ctx)
	if rerr != nil {
		s.servers.log.ErrorContext(ctx, "names of overlays for an error", "err", rerr)
	}
	return s.Error(host, overlays, err)
}

// check queries a host for the names of its servers, after a job on a server that the host knew by
// an older name: the job may have renamed it before it was cancelled. If the host doesn't answer,
// its names are checked when its agent reconnects.
func (s Names) check(ctx context.Context, host left4me.Name) error {
	asking, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	var all []left4me.Status
	if s.servers.bus.Request(asking, bus.Command(host, bus.VerbStatus), bus.Empty{V: bus.Version}, &all) != nil {
		return nil
	}
	return s.noteRenamed(ctx, host, all)
}

// noteRenamed updates the host names of servers from the statuses of a host. The end of the job
// that renamed a server may have been lost, or the database may have been replaced since.
func (s Names) noteRenamed(ctx context.Context, host left4me.Name, all []left4me.Status) error {
	there, owners := map[left4me.Name]left4me.Status{}, map[left4me.ID]left4me.Name{}
	for _, st := range all {
		there[st.Name] = st
		owners[st.ID] = st.Name
	}
	servers, err := s.servers.storage.Servers().List(ctx)
	if err != nil {
		return err
	}
	for _, v := range servers {
		if st, ok := there[v.OnHost()]; v.Host != host || ok && (st.ID == "" || st.ID == v.ID) {
			continue
		}
		on := owners[v.ID]
		if st, ok := there[v.Name]; ok && st.ID == "" {
			on = v.Name // last started by a version of left4me that reports no ids
		}
		if on == "" || v.ID == "" {
			continue
		}
		if err := s.servers.storage.Servers().OnHostAs(ctx, v.ID, on); err != nil {
			return err
		}
	}
	return nil
}
