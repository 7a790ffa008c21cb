package systemd

import (
	"context"
	"maps"
	"strings"

	"github.com/coreos/go-systemd/v22/dbus"
)

// Unit is a unit as systemd has loaded it, which need not be as its files are.
type Unit struct {
	Name       string
	Loaded     string         // LoadState: loaded, not-found, masked, error, bad-setting
	Path       string         // of its file
	DropIns    []string       // paths of the files that change it
	Stale      bool           // its files were changed since they were loaded
	Properties map[string]any // as systemd names them
}

// probedInstance stands for all instances of a template. No server can have its
// name, and nothing starts it.
const probedInstance = "left4me-doctor"

// Loaded tells how units are loaded, in the order of their names; of a template
// it is an instance that doesn't run.
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
