package systemd

import (
	"context"
	"maps"
	"strings"

	"github.com/coreos/go-systemd/v22/dbus"
)

// Unit is a unit as loaded by systemd, which may differ from its files.
type Unit struct {
	Name       string
	Loaded     string         // LoadState: loaded, not-found, masked, error, bad-setting
	Path       string         // path of the unit file
	DropIns    []string       // paths of the drop-in files
	Stale      bool           // unit files have changed since systemd loaded them
	Properties map[string]any // keyed by systemd's property names
}

// probedInstance represents all instances of a template. No server can have this name, and no such unit
// is ever started.
const probedInstance = "left4me-doctor"

// Loaded returns the units in the order of names. For a template it returns an instance that doesn't
// run.
func Loaded(ctx context.Context, names []string) ([]Unit, error) {
	ctx, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	s := unconnected(Config{})
	defer s.Close()
	units := make([]Unit, 0, len(names))
	for _, name := range names {
		var p map[string]any
		err := s.call(ctx, func(ctx context.Context, c *dbus.Conn) (err error) {
			unit := strings.Replace(name, "@.", "@"+probedInstance+".", 1)
			if p, err = c.GetUnitPropertiesContext(ctx, unit); err != nil || !strings.HasSuffix(name, suffix) {
				return err
			}
			service, err := c.GetUnitTypePropertiesContext(ctx, unit, "Service")
			maps.Copy(p, service)
			return err
		})
		if err != nil {
			return nil, err
		}
		u := Unit{Name: name, Properties: p}
		u.Loaded, _ = p["LoadState"].(string)
		u.Path, _ = p["FragmentPath"].(string)
		u.DropIns, _ = p["DropInPaths"].([]string)
		u.Stale, _ = p["NeedDaemonReload"].(bool)
		units = append(units, u)
	}
	return units, nil
}
