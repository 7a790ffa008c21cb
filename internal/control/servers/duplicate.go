package servers

import (
	"context"

	"github.com/left4me/left4me/internal/left4me"
)

// Copy describes a copy of a server's definition.
type Copy struct {
	Name      left4me.Name // empty: the next free number after the name of the original
	Port      int          // 0: the next free port
	Passwords bool         // also copy the passwords; the caller must have checked the right to read them
}

// CopyOf returns the definition of a copy of a server, without creating it: its host, blueprint,
// overlays, settings and autostart. It reports whether the original has passwords; the copy has them
// only if as requests it. Files that the server wrote are not copied. Errors: left4me.NotFound.
func (c Creation) CopyOf(ctx context.Context, name left4me.Name, as Copy) (v left4me.Server, passwords bool, err error) {
	from, err := c.servers.storage.Servers().Get(ctx, name)
	if err != nil {
		return v, false, err
	}
	v = left4me.Server{
		Name: as.Name, Host: from.Host, Port: as.Port, Blueprint: from.Blueprint, Overlays: from.Overlays, Settings: from.Settings,
		Autostart: from.Autostart,
	}
	without, passwords := from.Settings.WithoutPasswords()
	if !as.Passwords {
		v.Settings = without
	}
	if v.Name == "" {
		d, err := c.servers.definitions(ctx)
		if err != nil {
			return v, passwords, err
		}
		v.Name = left4me.NextName(from.Name, d.taken)
	}
	return v, passwords, nil
}

// Duplicate creates a copy of a server; see CopyOf. Errors: left4me.NotFound, and those of Create.
func (c Creation) Duplicate(ctx context.Context, by left4me.Actor, name left4me.Name, as Copy) (View, error) {
	v, _, err := c.CopyOf(ctx, name, as)
	if err != nil {
		return View{}, err
	}
	return c.servers.Create(ctx, by, v)
}
