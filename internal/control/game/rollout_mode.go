package game

import "github.com/left4me/left4me/internal/control/rolloutrules"

// Mode selects the time at which servers are restarted for another build. With Now, one server is restarted first;
// once it is ready, all others restart immediately.
type Mode = rolloutrules.Mode

// The modes other than a time of day.
const (
	Never = rolloutrules.Never
	Now   = rolloutrules.Now
	Empty = rolloutrules.Empty
)

// Wish is a server still to be restarted, and what it waits for.
type Wish = rolloutrules.Wish

// States of a server in a rollout. Wants is never stored; it applies to the servers without a Move.
const (
	Wants  = rolloutrules.Wants // still runs another build
	Moving = rolloutrules.Moving
	Moved  = rolloutrules.Moved
	Left   = rolloutrules.Left
	Broken = rolloutrules.Broken
)
