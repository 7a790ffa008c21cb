package agent

import (
	"context"
	"fmt"
	"time"

	"github.com/left4me/left4me/internal/host/running/shim"
	"github.com/left4me/left4me/internal/left4me"
)

// shownMaps is how many maps an error lists.
const shownMaps = 12

// mapsNamed adds to the error of a start whose first map is not there which maps
// there are. The shim knows of the failure, and the agent of the campaigns.
func (a *Agent) mapsNamed(ctx context.Context, spec left4me.Spec, began time.Time, err error) error {
	f, failed := shim.LastFailure(a.Sockets, spec.Name)
	if !failed || f.Error.Field != left4me.FieldMap || f.At.Before(began) || ctx.Err() != nil {
		return err
	}
	e := f.Error
	e.Err = err
	if all, err := a.campaigns(ctx, spec, ""); err == nil {
		if maps := left4me.FirstMaps(all, shownMaps); maps != "" {
			e.Hint = fmt.Sprintf("choose another first map, or add the overlay that brings it. There are %s; left4me server maps %s "+
				"lists all", maps, spec.Name)
		}
	}
	return &e
}
