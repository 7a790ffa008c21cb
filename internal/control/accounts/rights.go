package accounts

import (
	"context"
	"slices"

	"github.com/left4me/left4me/internal/left4me"
)

// Right is what somebody may do to a target.
type Right string

// The rights. Each is granted on its own; Manage doesn't include the others.
const (
	See       Right = "see"       // read its state, players, console, files and jobs, without secrets
	Players   Right = "players"   // kick, ban and message its players
	Operate   Right = "operate"   // start, stop and restart it, and change its map
	Console   Right = "console"   // enter commands on its console
	Configure Right = "configure" // change its definition and settings, and read those that hold secrets
	Content   Right = "content"   // change files: of an overlay, or what a server wrote
	Manage    Right = "manage"    // create, rename, reset and delete it
	// SiteRight is the right to change what belongs to no server, blueprint or overlay:
	// builds of the game, backups, users, settings, the doctor.
	SiteRight Right = "site"
)

// Rights are all of them.
var Rights = []Right{See, Players, Operate, Console, Configure, Content, Manage, SiteRight}

// Allow reports whether actor has a right on a target. It is the only place that
// decides this, for the panel, the API and the command line. Administrators have every
// right on every target, guests may see all of them, and an actor with Only has the
// rights of the role on those targets alone: that of a target with a name alone costs a
// look into an index of the database. Errors: left4me.Denied.
func Allow(actor Actor, right Right, target left4me.Target) error {
	switch {
	case actor == Actor{}:
		return errNobody
	case !slices.Contains(Rights, right) || target.Kind == "":
		return errUnknownRight // fail closed, whoever asks
	case actor.Only != nil && !actor.reaches(target):
		return errOtherTarget
	case actor.Admin || right == See:
		return nil
	}
	return left4me.NewError(left4me.Denied, "right.change", "user", actor.Name)
}

// reaches reports whether a target is one of those that the actor is restricted to. A
// target with a name alone is what has that name now: who had the server before has no
// right on the next one of its name, and keeps those on a renamed one.
func (a Actor) reaches(target left4me.Target) bool {
	if a.names != nil && target.ID == "" {
		// A look into an index in memory. Lists ask for each item, and none of those who
		// ask has to end sooner than that.
		now, err := a.names.Target(context.Background(), target.Kind, target.Name)
		if err != nil {
			return false
		}
		target = now
	}
	return a.Only.has(target)
}

// Target is the server, blueprint, overlay or user that has a name now, with its id, for
// Allow. What isn't there has the name alone: nobody learns from Allow whether it is. It
// costs one look into an index of the database.
func (a *Accounts) Target(ctx context.Context, kind left4me.TargetKind, name left4me.Name) (left4me.Target, error) {
	return a.storage.Target(ctx, kind, string(name))
}

// Targets are some targets, each of its own kind.
type Targets []left4me.Target

func (t *Targets) has(target left4me.Target) bool {
	return slices.ContainsFunc(*t, func(o left4me.Target) bool { return o.Is(target) })
}

// Visible returns the items that actor may see, in their order. It changes nothing in items,
// and returns them themselves when actor may see all.
func Visible[T any](actor Actor, items []T, target func(T) left4me.Target) []T {
	hidden := func(item T) bool { return Allow(actor, See, target(item)) != nil }
	first := slices.IndexFunc(items, hidden)
	if first < 0 {
		return items
	}
	return append(slices.Clone(items[:first]), slices.DeleteFunc(slices.Clone(items[first:]), hidden)...)
}
