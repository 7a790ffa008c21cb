package servers

import (
	"context"
	"slices"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/left4me"
)

// Names are what people and hosts call servers. It is safe for concurrent use.
type Names struct{ servers *Servers }

// Names returns them; the value may be copied.
func (s *Servers) Names() Names { return Names{s} }

// Rename gives a server another name, whether or not it runs. Panel, API and command line
// have it at once; on its host, what runs goes on under the old name, and the next start
// renames the server's directories, so that both names are taken until then. version is
// the one that was looked at, 0 doesn't care. Errors: left4me.NotFound; left4me.Invalid
// and left4me.Conflict for the field "name"; left4me.Conflict when somebody changed the
// server since, or it is being deleted; left4me.Busy while a start renames it on its host.
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

// CheckName says whether a server can be called so. Errors: left4me.Fields of
// left4me.Invalid, for the field "name".
func CheckName(n left4me.Name) error {
	var f fields
	f.serverName(n)
	return f.err()
}

// renamed takes over what is known of a server under its new name.
func (l *statuses) renamed(before, after left4me.Server) {
	l.mu.Lock()
	// What was said of another one that had the name before is not said of this one.
	if after.Name != after.OnHost() {
		delete(l.statuses, key{after.Host, after.Name})
	}
	l.learn([]left4me.Server{after})
	l.renames++
	l.turn++
	l.forgotten = append(l.forgotten, reportOf(after.Host, before.Name), reportOf(after.Host, after.Name))
	l.news.Ring()
	l.mu.Unlock()
	l.changed(before.Name)
	l.changed(after.Name)
}

// learn takes which servers hosts still call by another name than people. mu is held.
func (l *statuses) learn(all []left4me.Server) {
	for _, v := range all {
		delete(l.shown, key{v.Host, v.Name})
		if v.HostName != "" {
			l.shown[key{v.Host, v.HostName}] = v.Name
		}
	}
}

// relearn is learn of all servers that there are, which read reads: once more when one was
// renamed meanwhile. What was said under a name that no host uses any more is dropped.
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

// replaceNames is relearn with what was read. mu is held.
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

// name is what people call a server that its host calls so. mu is held.
func (l *statuses) name(k key) left4me.Name {
	if n := l.shown[k]; n != "" {
		return n
	}
	return k.server
}

// Shown are the names that people have for servers, by those that their host uses. What it
// returns is the caller's.
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

// Error is what a host says went wrong, by the names that people have for its servers, and for
// its overlays as overlays says.
func (s Names) Error(host left4me.Name, overlays left4me.OverlayNames, err error) error {
	l := s.servers.status
	return overlays.Error(err, func(n left4me.Name) left4me.Name {
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.name(key{host, n})
	})
}

// shown is Error with the names that overlays have now. When they can't be read, the error is
// the host's.
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

// check asks a host which names it uses for servers, after a job on one that it knows by an
// older name: the job may have renamed it there before it was called off. A host that can't be
// asked tells when it arrives.
func (s Names) check(ctx context.Context, host left4me.Name) error {
	asking, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	var all []left4me.Status
	if s.servers.bus.Request(asking, bus.Command(host, bus.VerbStatus), bus.Empty{V: bus.Version}, &all) != nil {
		return nil
	}
	return s.noteRenamed(ctx, host, all)
}

// noteRenamed notes which names a host uses for servers, by what it says it has: the end of
// the job that renamed them may never have come, or the database may be another one since.
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
			on = v.Name // an older left4me started it last
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
