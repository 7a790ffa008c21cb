package doctor

import (
	"context"

	"github.com/left4me/left4me/internal/host/running/instance"
	"github.com/left4me/left4me/internal/left4me"
)

// asides lists files of deleted servers that left4me could not remove and moved aside.
func asides(_ context.Context, cfg Config) []left4me.Check {
	const name = "leftovers"
	all := instance.Root(cfg.Root).Asides()
	if len(all) == 0 {
		return []left4me.Check{ok(name, "no files of deleted or reset servers are left")}
	}
	var found []left4me.Check
	for _, a := range all {
		found = append(found,
			warn(name, a.Dir+" holds files of a deleted or reset server that left4me may not remove", cfg.Reader.AsRoot(a.Command)))
	}
	return found
}
