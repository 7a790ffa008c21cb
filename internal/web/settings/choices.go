// Package settings implements the form parts that servers and blueprints share: their
// settings and their overlay stack.
package settings

import (
	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/control/servers"
)

// Choices reads the options of a form, and the warnings about its values.
type Choices struct {
	Servers  *servers.Servers
	Overlays *overlays.Overlays
}
