package store

import (
	"context"
	"slices"

	"github.com/left4me/left4me/internal/left4me"
)

// checkPorts runs a change of definitions, and refuses it if a server's port would conflict with an
// additional port of another server, such as SourceTV's. Conflicts that existed before don't
// prevent other changes. changed is the changed server, or empty for a blueprint or an overlay, and
// lines is the field with its lines for server.cfg. Errors: left4me.Conflict with the field "port"
// or lines.
func checkPorts(ctx context.Context, tx *transaction, changed left4me.Name, lines string, change func() error) error {
	before, err := portClashes(ctx, tx)
	if err == nil {
		err = change()
	}
	if err != nil {
		return err
	}
	after, err := portClashes(ctx, tx)
	if err != nil {
		return err
	}
	for _, c := range after {
		was := slices.ContainsFunc(before, func(b left4me.PortClash) bool {
			return b.Server == c.Server && b.Use.Server == c.Use.Server && b.Use.What == c.Use.What
		})
		if !was {
			return c.Refused(changed, lines)
		}
	}
	return nil
}

// portClashes returns the port conflicts on all hosts.
func portClashes(ctx context.Context, tx *transaction) ([]left4me.PortClash, error) {
	servers, err := queryAll(ctx, tx, scanServer, `SELECT `+serverColumns+` FROM server ORDER BY name`)
	if err != nil {
		return nil, err
	}
	blueprints, err := queryAll(ctx, tx, scanBlueprint, `SELECT `+blueprintColumns+` FROM blueprint`)
	if err != nil {
		return nil, err
	}
	lines, err := queryAll(ctx, tx, scanOverlayCfg, overlayCfgQuery)
	if err != nil {
		return nil, err
	}
	recipes, cfg := map[left4me.Name]left4me.Blueprint{}, overlayCfg(lines)
	for _, b := range blueprints {
		recipes[b.Name] = b
	}
	hosts := map[left4me.Name][]left4me.Spec{}
	for _, v := range servers {
		hosts[v.Host] = append(hosts[v.Host], left4me.SpecOf(v, recipes[v.Blueprint], cfg))
	}
	var all []left4me.PortClash
	for _, specs := range hosts {
		all = append(all, left4me.PortClashes(specs)...)
	}
	return all, nil
}
