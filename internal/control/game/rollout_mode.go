package game

import "github.com/left4me/left4me/internal/control/rolloutrules"

// Mode says when servers move over to another build. With Now it is one first,
// and when that is ready, all others at once.
type Mode = rolloutrules.Mode

// The modes that are no hour.
const (
	Never = rolloutrules.Never
	Now   = rolloutrules.Now
	Empty = rolloutrules.Empty
)

// Wish is a server that has not moved yet, and why.
type Wish = rolloutrules.Wish

// The states of a server in a rollout. Wants is never kept: it is what is left.
const (
	Wants  = rolloutrules.Wants // runs on another build
	Moving = rolloutrules.Moving
	Moved  = rolloutrules.Moved
	Left   = rolloutrules.Left
	Broken = rolloutrules.Broken
)
