package servers

import (
	"context"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/left4me"
)

// ConfigDiff returns how the files that left4me generates for a server would change at its next
// start. Errors: left4me.NotFound, left4me.Unavailable.
func (s Files) ConfigDiff(ctx context.Context, name left4me.Name) ([]bus.ConfigFile, error) {
	def, err := s.servers.defined(ctx, name)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	var d bus.ConfigDiff
	err = s.servers.askHost(ctx, def.host, bus.VerbConfigDiff, def.specOnHost(), &d)
	return d.Files, err
}
