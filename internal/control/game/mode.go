package game

import "github.com/left4me/left4me/internal/control/restart"

// Mode says when servers move over to another build. With Now it is one first,
// and when that is ready, all others at once.
type Mode = restart.Mode

// The modes that are no hour.
const (
	Never = restart.Never
	Now   = restart.Now
	Empty = restart.Empty
)

// Wish is a server that has not moved yet, and why.
type Wish = restart.Wish

// The states of a server in a rollout. Wants is never kept: it is what is left.
const (
	Wants  = restart.Wants // runs on another build
	Moving = restart.Moving
	Moved  = restart.Moved
	Left   = restart.Left
	Broken = restart.Broken
)
