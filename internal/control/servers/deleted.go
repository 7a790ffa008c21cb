package servers

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"time"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/periodic"
	"github.com/left4me/left4me/internal/store"
)

const (
	tendEvery    = 5 * time.Minute // interval for checking which deleted servers are due for removal
	tendPause    = 200 * time.Millisecond
	removeWithin = 6 * time.Minute // time limit for the host to remove the files of a deleted server
)

// Deleted manages deleted servers until they are restored or permanently removed. It is safe for
// concurrent use.
type Deleted struct{ servers *Servers }

// Deleted returns the deleted servers; the value may be copied.
func (s *Servers) Deleted() Deleted { return Deleted{s} }

// Return holds the properties that a deleted server gets when it is restored.
type Return struct {
	Name      left4me.Name
	NameBy    left4me.Name // server that now has the former name; empty: the server keeps its name
	Port      int          // 0: the next free port
	PortBy    left4me.Name // server that now has the former port
	Blueprint left4me.Name // differs from the former blueprint if that no longer exists
	Overlays  []left4me.OverlayRef
	Missing   []left4me.OverlayRef // former overlays that no longer exist
}

// DeletedView is a deleted server with the properties that it would get if it were restored now.
type DeletedView struct {
	left4me.DeletedServer
	Return Return
}

// Restored is a restored server with its differences from the deleted one.
type Restored struct {
	View
	Before left4me.DeletedServer
	Return Return
}

// List returns the deleted servers, the last deleted first.
func (d Deleted) List(ctx context.Context) ([]DeletedView, error) {
	all, err := d.servers.storage.DeletedServers().List(ctx)
	if err != nil || len(all) == 0 {
		return []DeletedView{}, err
	}
	k, err := d.known(ctx)
	if err != nil {
		return nil, err
	}
	views := make([]DeletedView, 0, len(all))
	for _, v := range all {
		if time.Now().Before(v.GoneAt) {
			views = append(views, DeletedView{v, k.plan(v)})
		}
	}
	return views, nil
}

// Get returns one deleted server. Errors: left4me.NotFound.
func (d Deleted) Get(ctx context.Context, id left4me.ID) (DeletedView, error) {
	v, err := d.servers.storage.DeletedServers().Get(ctx, id)
	if err == nil && !time.Now().Before(v.GoneAt) {
		err = left4me.NoSuch("deleted server", string(id))
	}
	if err != nil {
		return DeletedView{}, err
	}
	k, err := d.known(ctx)
	return DeletedView{v, k.plan(v)}, err
}

// Find returns the id of the last deleted server with a name or, if there is none, with an id.
// Errors: left4me.NotFound.
func (d Deleted) Find(ctx context.Context, text string) (left4me.DeletedServer, error) {
	all, err := d.servers.storage.DeletedServers().List(ctx)
	if err != nil {
		return left4me.DeletedServer{}, err
	}
	for _, is := range []func(left4me.DeletedServer) bool{
		func(v left4me.DeletedServer) bool { return string(v.Name) == text },
		func(v left4me.DeletedServer) bool { return string(v.ID) == text },
	} {
		for _, v := range all {
			if is(v) && time.Now().Before(v.GoneAt) {
				return v, nil
			}
		}
	}
	return left4me.DeletedServer{}, left4me.NoSuch("deleted server", text)
}

// existing holds the objects with which a restored server must not conflict.
type existing struct {
	definitions
	overlays map[left4me.Name]bool
}

func (d Deleted) known(ctx context.Context) (k existing, err error) {
	if k.definitions, err = d.servers.definitions(ctx); err != nil {
		return k, err
	}
	all, err := d.servers.storage.Overlays().List(ctx)
	k.overlays = make(map[left4me.Name]bool, len(all))
	for _, v := range all {
		k.overlays[v.Name] = v.DeletedAt.IsZero()
	}
	return k, err
}

// plan returns the properties that a deleted server would get now.
func (k existing) plan(v left4me.DeletedServer) Return {
	r := Return{Name: v.Name, Port: v.Port, Blueprint: v.Blueprint}
	for n := 2; k.named(r.Name) != ""; n++ {
		suffix := "-" + strconv.Itoa(n)
		r.Name = v.Name[:min(len(v.Name), left4me.MaxName-len(suffix))] + left4me.Name(suffix)
	}
	if r.Name != v.Name {
		r.NameBy = k.named(v.Name)
	}
	if _, ok := k.blueprints[v.Blueprint]; !ok {
		r.Blueprint = left4me.DefaultBlueprint
	}
	for _, o := range v.Overlays {
		if there, ok := k.overlays[o.Name]; ok && there {
			r.Overlays = append(r.Overlays, o)
		} else {
			r.Missing = append(r.Missing, o)
		}
	}
	if r.PortBy = k.portOwner(r.apply(v)); r.PortBy != "" {
		r.Port = 0
	}
	return r
}

// named returns the server with the name n, here or on its host.
func (k existing) named(n left4me.Name) left4me.Name {
	for _, o := range k.servers {
		if n == o.Name || n == o.HostName {
			return o.Name
		}
	}
	return ""
}

// portOwner returns a server that conflicts with the ports of v.
func (k existing) portOwner(v left4me.Server) left4me.Name {
	var specs []left4me.Spec
	for _, o := range k.servers {
		if o.Host != v.Host {
			continue
		}
		if o.Port == v.Port {
			return o.Name
		}
		specs = append(specs, k.spec(o))
	}
	for _, c := range left4me.PortClashes(append(specs, k.spec(v))) {
		if c.Server == v.Name {
			return c.Use.Server
		}
		if c.Use.Server == v.Name {
			return c.Server
		}
	}
	return ""
}

// apply returns the definition with which a deleted server is restored.
func (r Return) apply(v left4me.DeletedServer) left4me.Server {
	s := v.Server
	s.Name, s.Port, s.Blueprint, s.Overlays = r.Name, r.Port, r.Blueprint, r.Overlays
	s.HostName = left4me.KeptName(v.ID)
	if s.Autostart == "" {
		s.Autostart = left4me.AutostartLast
	}
	return s
}

// Restore restores a deleted server, which is then stopped. An empty name and port 0 select the former
// ones or, if other servers now use them, free ones. Overlays that no longer exist are left out.
// Errors: left4me.NotFound; left4me.Invalid and left4me.Conflict with the field "name" or "port" for
// requested values.
func (d Deleted) Restore(ctx context.Context, by left4me.Actor, id left4me.ID, name left4me.Name, port int) (Restored, error) {
	if name != "" {
		if err := CheckName(name); err != nil {
			return Restored{}, err
		}
	}
	for try := 1; ; try++ {
		v, err := d.Get(ctx, id)
		if err != nil {
			return Restored{}, err
		}
		r := v.Return
		if name != "" {
			r.Name, r.NameBy = name, ""
		}
		if port != 0 {
			r.Port, r.PortBy = port, ""
		}
		s := r.apply(v.DeletedServer)
		if s.Port == 0 {
			if s.Port, err = d.servers.Creation().freePort(ctx, s); err != nil {
				return Restored{}, err
			}
			r.Port = s.Port
		}
		err = d.servers.storage.By(by).DeletedServers().Restore(ctx, s)
		if e, ok := left4me.Public(err); ok && e.Kind == left4me.Conflict && try < 5 &&
			(e.Field == "name" && name == "" || e.Field == "port" && port == 0) {
			continue // another call took the job in the meantime
		}
		if err != nil {
			return Restored{}, err
		}
		return d.restored(ctx, by, v, s, r)
	}
}

func (d Deleted) restored(ctx context.Context, by left4me.Actor, v DeletedView, s left4me.Server, r Return) (Restored, error) {
	l := d.servers.status
	l.nameReused(s.Host, s.Name)
	l.mu.Lock()
	l.learn([]left4me.Server{s})
	l.renames++
	l.mu.Unlock()
	l.changed(s.Name)
	d.servers.log.InfoContext(ctx, "server restored", "server", s.Name, "was", v.Name, "port", s.Port, "by", by.String())
	view, err := d.servers.Get(ctx, s.Name)
	return Restored{View: view, Before: v.DeletedServer, Return: r}, err
}

// Remove removes a deleted server permanently. It can no longer be restored, and its host removes its
// files. Errors: left4me.NotFound.
func (d Deleted) Remove(ctx context.Context, by left4me.Actor, id left4me.ID) (left4me.DeletedServer, error) {
	v, err := d.Get(ctx, id)
	if err != nil {
		return v.DeletedServer, err
	}
	err = d.servers.storage.By(by).DeletedServers().Expire(ctx, id, time.Now().Add(-time.Millisecond))
	if err == nil {
		d.servers.log.InfoContext(ctx, "deleted server removed for good", "server", v.Name, "by", by.String())
	}
	return v.DeletedServer, err
}

// Watch yields a value whenever the deleted servers may have changed, until ctx ends. The sequence may
// be ranged over only once.
func (d Deleted) Watch(ctx context.Context) iter.Seq[struct{}] {
	return store.Rings(ctx, d.servers.storage.Listen(ctx, "deleted_server"), nil)
}

// run removes due servers and continues interrupted work, until ctx ends.
func (d Deleted) run(ctx context.Context) {
	changed := d.servers.storage.Listen(ctx, "deleted_server", "server", "job")
	periodic.Run(ctx, periodic.Schedule{Every: tendEvery, AtOnce: true, Wake: changed, Pause: tendPause}, func(ctx context.Context) {
		if err := d.tend(ctx); err != nil && ctx.Err() == nil {
			d.servers.log.WarnContext(ctx, "deleted servers", "err", err)
		}
	})
}

func (d Deleted) tend(ctx context.Context) (err error) {
	all, err := d.servers.storage.DeletedServers().List(ctx)
	for _, v := range slices.Backward(all) { // the oldest first
		switch old, replaces := v.Then.Replaces(); {
		case !time.Now().Before(v.GoneAt):
			err = errors.Join(err, d.drop(ctx, v))
		case replaces:
			err = errors.Join(err, d.replace(ctx, v, old))
		case v.Then == left4me.ThenRestore:
			err = errors.Join(err, d.follow(ctx, v))
		}
	}
	return err
}

// drop lets the host remove the files of a deleted server, and then removes its row.
func (d Deleted) drop(ctx context.Context, v left4me.DeletedServer) error {
	asking, cancel := context.WithTimeout(ctx, removeWithin)
	defer cancel()
	var a bus.KeptAnswer
	err := d.servers.bus.Request(asking, bus.Command(v.Host, bus.VerbRemoveKept), bus.KeptRequest{V: bus.Version, ID: v.ID}, &a)
	if err != nil {
		return fmt.Errorf("remove deleted server %s: %w", v.Name, err)
	}
	if a.Warning != "" {
		d.servers.log.WarnContext(ctx, "files of a deleted server", "server", v.Name, "warning", a.Warning)
	}
	return d.servers.storage.DeletedServers().Drop(ctx, v.ID)
}

// follow restores a server that was read from a backup. If that fails, a user can still restore it.
func (d Deleted) follow(ctx context.Context, v left4me.DeletedServer) error {
	if _, err := d.Restore(ctx, v.DeletedBy, v.ID, "", 0); err != nil {
		return errors.Join(err, d.servers.storage.DeletedServers().Settle(ctx, v.ID))
	}
	return nil
}

// replace deletes the server with the id old, and restores v once it is deleted. If the deletion
// fails, both stay.
func (d Deleted) replace(ctx context.Context, v left4me.DeletedServer, old left4me.ID) error {
	there, err := d.servers.storage.Servers().ByID(ctx, old)
	if errors.Is(err, left4me.NotFound) {
		return d.follow(ctx, v)
	}
	if err != nil {
		return err
	}
	jobs, err := d.servers.jobs.List(ctx, left4me.DeleteServer.Noun(), there.Name, 1)
	if err != nil {
		return err
	}
	if len(jobs) > 0 && jobs[0].Kind == left4me.DeleteServer && jobs[0].CreatedAt.After(v.DeletedAt) {
		if jobs[0].State.Ended() && jobs[0].State != left4me.JobDone {
			return d.servers.storage.DeletedServers().Settle(ctx, v.ID)
		}
		return nil
	}
	_, err = d.servers.Act(ctx, v.DeletedBy, left4me.DeleteServer, there.Name)
	return err
}
