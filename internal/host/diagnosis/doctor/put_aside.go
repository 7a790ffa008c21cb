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
		return []left4me.Check{left4me.NewCheck(left4me.CheckOK, name, "leftovers.none")}
	}
	var found []left4me.Check
	for _, a := range all {
		found = append(found,
			left4me.NewCheck(left4me.CheckWarn, name, "leftovers.found", "path", a.Dir, "command", cfg.Reader.AsRoot(a.Command)))
	}
	return found
}
