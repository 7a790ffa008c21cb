package backups

import (
	"cmp"
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/store"
)

// Contents lists what can be restored from a backup.
type Contents struct {
	Backup   left4me.Backup
	Servers  []ServerInside
	Overlays []OverlayInside
}

// ServerInside is a server in a backup.
type ServerInside struct {
	left4me.Server
	Deleted   bool  // it was deleted when the backup was made
	Bytes     int64 // size of its writable layer; -1 if the backup was never read completely
	blueprint left4me.Blueprint
}

// OverlayInside is an overlay in a backup.
type OverlayInside struct {
	left4me.Overlay
	Bytes int64 // size of its revisions; -1 if the backup was never read completely
}

// VisibleTo returns the contents without the servers and overlays that actor may not see.
func (c Contents) VisibleTo(actor accounts.Actor) Contents {
	c.Servers = accounts.Visible(actor, c.Servers, func(s ServerInside) left4me.Target { return left4me.OnServer(s.Name) })
	c.Overlays = accounts.Visible(actor, c.Overlays, func(o OverlayInside) left4me.Target { return left4me.OnOverlay(o.Name) })
	return c
}

// opened caches the contents of backups, which never change.
type opened struct {
	mu  sync.Mutex
	all map[string]Contents
}

// maxOpened limits the cached contents.
const maxOpened = 8

// Contents returns what can be restored from a backup. Errors: left4me.NotFound; left4me.Invalid for a
// backup that can't be read.
func (b *Backups) Contents(ctx context.Context, n left4me.Name) (Contents, error) {
	v, err := b.Get(ctx, n)
	if err != nil {
		return Contents{}, err
	}
	key := strings.Join([]string{string(n), strconv.FormatInt(v.Bytes, 10), v.VerifiedAt.String(), string(v.State)}, " ")
	b.opened.mu.Lock()
	defer b.opened.mu.Unlock()
	if c, ok := b.opened.all[key]; ok {
		return c, nil
	}
	c, err := b.read(ctx, v)
	if err != nil {
		return c, err
	}
	if b.opened.all == nil || len(b.opened.all) >= maxOpened {
		b.opened.all = map[string]Contents{}
	}
	b.opened.all[key] = c
	return c, nil
}

// read reads the copy of the database in a backup.
func (b *Backups) read(ctx context.Context, v left4me.Backup) (Contents, error) {
	ctx, cancel := context.WithTimeout(ctx, snapshotWithin)
	defer cancel()
	var a bus.OpenBackupAnswer
	request := bus.BackupRequest{V: bus.Version, Name: v.Name}
	if err := b.bus.Request(ctx, bus.Command(b.host.Name, bus.VerbOpenBackup), request, &a); err != nil {
		return Contents{}, err
	}
	if filepath.Dir(a.Path) != filepath.Join(b.host.Root, "tmp") || !strings.HasPrefix(filepath.Base(a.Path), "backup-read-") {
		return Contents{}, left4me.NewError(left4me.Invalid, "backup.database_unreadable")
	}
	in, err := store.ReadCopy(ctx, a.Path)
	if err != nil {
		return Contents{}, err
	}
	return contentsOf(v, in, a.Items), nil
}

func contentsOf(v left4me.Backup, in store.Copied, items []left4me.BackupItem) Contents {
	c := Contents{Backup: v, Servers: []ServerInside{}, Overlays: []OverlayInside{}}
	size := func(kind left4me.TargetKind, n left4me.Name) int64 {
		if items == nil {
			return -1
		}
		for _, i := range items {
			if i.Kind == kind && i.Name == n {
				return i.Bytes
			}
		}
		return 0
	}
	add := func(s left4me.Server, deleted bool) {
		inside := ServerInside{Server: s, Deleted: deleted, Bytes: size(left4me.ServerTarget, s.OnHost())}
		for _, p := range in.Blueprints {
			if p.Name == s.Blueprint {
				inside.blueprint = p
			}
		}
		c.Servers = append(c.Servers, inside)
	}
	for _, s := range in.Servers {
		add(s, false)
	}
	for _, s := range in.Deleted {
		add(s.Server, true)
	}
	for _, o := range in.Overlays {
		c.Overlays = append(c.Overlays, OverlayInside{Overlay: o.Overlay, Bytes: size(left4me.OverlayTarget, o.OnHost())})
	}
	return c
}

// Restores restores single servers and overlays from backups.
type Restores struct {
	Backups  *Backups
	Servers  *servers.Servers
	Overlays *overlays.Overlays
}

// How says how something is restored from a backup.
type How struct {
	As      left4me.Name // new name; empty: its own or, if that is in use, a free one
	Replace bool         // in place of what has the name now, which stays restorable
}

// Server adds a job that reads a server from a backup, after which it is restored, stopped, with its
// settings, its overlays and the files that it wrote. Without Replace it becomes another server, with a
// free name and port. With Replace, the server of its name is deleted, as by a user, once the backup was
// read. Errors: left4me.NotFound, left4me.Invalid, left4me.Conflict for the field "name".
func (r Restores) Server(ctx context.Context, by left4me.Actor, backup, name left4me.Name, how How) (left4me.Job, error) {
	c, err := r.Backups.Contents(ctx, backup)
	if err != nil {
		return left4me.Job{}, err
	}
	i := slices.IndexFunc(c.Servers, func(s ServerInside) bool { return s.Name == name })
	if i < 0 {
		return left4me.Job{}, left4me.NewError(left4me.NotFound, "backup.no_server", "server", name)
	}
	from := c.Servers[i]
	spec := left4me.BackupSpec{Name: backup, Server: &left4me.ServerInBackup{From: from.OnHost(), Then: left4me.ThenRestore}}
	v, err := r.definition(ctx, from)
	if err != nil {
		return left4me.Job{}, err
	}
	v.Name = cmp.Or(how.As, v.Name)
	if err := servers.CheckName(v.Name); err != nil {
		return left4me.Job{}, err
	}
	switch now, err := r.Servers.Get(ctx, v.Name); {
	case err != nil && !errors.Is(err, left4me.NotFound):
		return left4me.Job{}, err
	case how.Replace && err != nil:
		return left4me.Job{}, left4me.NewError(left4me.Conflict, "backup.nothing_to_replace", "name", v.Name).InField("name")
	case how.Replace:
		spec.Server.Then = left4me.ThenReplace + left4me.AfterDeletion(now.ID)
	case err == nil && how.As != "":
		return left4me.Job{}, left4me.NewError(left4me.Conflict, "server.exists", "server", v.Name).InField("name")
	}
	spec.Server.Definition = v
	return r.Backups.readServer(ctx, by, spec)
}

// definition returns the definition of a server in a backup as it is restored: if its blueprint no longer
// exists, what came from the blueprint becomes its own.
func (r Restores) definition(ctx context.Context, from ServerInside) (left4me.Server, error) {
	v := from.Server
	_, err := r.Backups.storage.Blueprints().Get(ctx, v.Blueprint)
	if !errors.Is(err, left4me.NotFound) {
		return v, err
	}
	whole := left4me.SpecOf(v, from.blueprint, nil)
	own := v.Settings.Over(from.blueprint.Settings)
	own.Cfg = slices.Concat(from.blueprint.Settings.Cfg, v.Settings.Cfg)
	v.Blueprint, v.Overlays, v.Settings = left4me.DefaultBlueprint, whole.Overlays, own
	return v, nil
}

// readServer adds a job that reads a server from a backup, under a new id.
func (b *Backups) readServer(ctx context.Context, by left4me.Actor, spec left4me.BackupSpec) (left4me.Job, error) {
	if _, err := b.Get(ctx, spec.Name); err != nil {
		return left4me.Job{}, err
	}
	v := spec.Server.Definition
	v.ID, v.Host, v.BootID, v.Held, v.Wanted = store.NewID(time.Now()), b.host.Name, "", "", left4me.WantStopped
	spec.Server = &left4me.ServerInBackup{From: spec.Server.From, Definition: v, Then: spec.Server.Then}
	return b.jobs.Add(ctx, by, left4me.RestoreBackup, spec.Name, b.host.Name, spec)
}

// Overlay adds a job that reads an overlay from a backup. Without Replace it becomes another overlay,
// with the definition that it had. With Replace, its files become the next revision of the overlay of its
// name, whose definition and earlier revisions stay. Errors: left4me.NotFound, left4me.Invalid,
// left4me.Conflict for the field "name".
func (r Restores) Overlay(ctx context.Context, by left4me.Actor, backup, name left4me.Name, how How) (left4me.Job, error) {
	c, err := r.Backups.Contents(ctx, backup)
	if err != nil {
		return left4me.Job{}, err
	}
	i := slices.IndexFunc(c.Overlays, func(o OverlayInside) bool { return o.Name == name })
	if i < 0 {
		return left4me.Job{}, left4me.NewError(left4me.NotFound, "backup.no_overlay", "overlay", name)
	}
	v := c.Overlays[i].Overlay
	request := overlays.Request{
		Note: string(backup), FromBackup: &left4me.OverlayInBackup{Backup: backup, Overlay: v.OnHost(), New: !how.Replace},
	}
	if how.Replace {
		to := cmp.Or(how.As, v.Name)
		if now, err := r.Overlays.Get(ctx, to); errors.Is(err, left4me.NotFound) || err == nil && !now.DeletedAt.IsZero() {
			return left4me.Job{}, left4me.NewError(left4me.Conflict, "backup.nothing_to_replace", "name", to).InField("name")
		} else if err != nil {
			return left4me.Job{}, err
		}
		return r.Overlays.Build(ctx, by, to, request)
	}
	v.ID, v.HostName, v.Version, v.Refresh.Hours = "", "", 0, 0
	name = cmp.Or(how.As, v.Name)
	for n := 2; ; n++ {
		v.Name = name
		_, err = r.Overlays.Create(ctx, by, v)
		if e, ok := left4me.Public(err); !ok || e.Kind != left4me.Conflict || e.Field != "name" || how.As != "" || n > 99 {
			break
		}
		suffix := "-" + strconv.Itoa(n)
		name = c.Overlays[i].Name[:min(len(c.Overlays[i].Name), left4me.MaxName-len(suffix))] + left4me.Name(suffix)
	}
	if err != nil {
		return left4me.Job{}, err
	}
	return r.Overlays.Build(ctx, by, name, request)
}
