package accounts

import (
	"context"
	"slices"

	"github.com/left4me/left4me/internal/left4me"
)

// Right is an action that a role may perform on a target.
type Right string

// The rights. Each is granted separately; Manage doesn't include the others.
const (
	See       Right = "see"       // read a target's state, players, console, files and jobs, without secrets
	Players   Right = "players"   // kick, ban and message players
	Operate   Right = "operate"   // start, stop and restart a server, and change its map
	Console   Right = "console"   // enter console commands
	Configure Right = "configure" // change definition and settings, and read settings that hold secrets
	Content   Right = "content"   // change the files of an overlay, or those that a server wrote
	Manage    Right = "manage"    // create, rename, reset and delete
	// SiteRight is the right to change what belongs to no server, blueprint or overlay: game
	// builds, backups, users, site settings, the doctor.
	SiteRight Right = "site"
)

// Rights lists all rights.
var Rights = []Right{See, Players, Operate, Console, Configure, Content, Manage, SiteRight}

// Allow reports whether actor has a right on target. It is the only place that decides this, for
// the panel, the API and the command line. Administrators have every right on every target, guests
// have See on every target, and an actor with Only has the rights of its role on those targets
// alone. For such an actor a target without an id costs one index lookup in the database. Errors:
// left4me.Denied.
func Allow(actor Actor, right Right, target left4me.Target) error {
	switch {
	case actor == Actor{}:
		return errNobody
	case !slices.Contains(Rights, right) || target.Kind == "":
		return errUnknownRight // fail closed, also for administrators
	case actor.Only != nil && !actor.reaches(target):
		return errOtherTarget
	case actor.Admin || right == See:
		return nil
	}
	return left4me.NewError(left4me.Denied, "right.change", "user", actor.Name)
}

// reaches reports whether target is one of those that the actor is restricted to. A target without
// an id means the object that has the name now: rights on a deleted server don't extend to the next
// one of its name, and rights on a renamed server remain.
func (a Actor) reaches(target left4me.Target) bool {
	if a.names != nil && target.ID == "" {
		// This is an in-memory index lookup. Lists make it for each item, and no caller needs to
		// cancel within that time.
		now, err := a.names.Target(context.Background(), target.Kind, target.Name)
		if err != nil {
			return false
		}
		target = now
	}
	return a.Only.has(target)
}

// Target returns the server, blueprint, overlay or user that has this name now, with its id, as an
// argument for Allow. If there is none, the result has no id, so that Allow reveals nothing about
// its existence. It costs one index lookup in the database.
func (a *Accounts) Target(ctx context.Context, kind left4me.TargetKind, name left4me.Name) (left4me.Target, error) {
	return a.storage.Target(ctx, kind, string(name))
}

// Targets is a list of targets of any kind.
type Targets []left4me.Target

func (t *Targets) has(target left4me.Target) bool {
	return slices.ContainsFunc(*t, func(o left4me.Target) bool { return o.Is(target) })
}

// Visible returns the items that actor may see, in their order. It doesn't modify items, and
// returns items itself if actor may see all of them.
func Visible[T any](actor Actor, items []T, target func(T) left4me.Target) []T {
	hidden := func(item T) bool { return Allow(actor, See, target(item)) != nil }
	first := slices.IndexFunc(items, hidden)
	if first < 0 {
		return items
	}
	return append(slices.Clone(items[:first]), slices.DeleteFunc(slices.Clone(items[first:]), hidden)...)
}
