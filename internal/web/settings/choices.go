// Package settings is the form that servers and blueprints share: their settings
// and the overlays that they stack.
package settings

import (
	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/control/servers"
)

// Choices reads what a form offers to choose from, and the warnings about what was
// chosen.
type Choices struct {
	Servers  *servers.Servers
	Overlays *overlays.Overlays
}
