package game

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"time"

	"github.com/left4me/left4me/internal/control/rolloutrules"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/store"
)

// Bounds of the interval between checks. Steam tolerates a query per hour; not noticing a new build
// for more than a month would keep players out.
const (
	minCheck = time.Hour
	maxCheck = 30 * 24 * time.Hour
)

// Policy defines when a host checks for newer builds and whether it installs them.
type Policy = store.GamePolicy

// standard is the default policy.
var standard = Policy{CheckEvery: 6 * time.Hour, Restart: string(Never)}

// retryUpdateAfter is the pause before a failed automatic update is retried.
const retryUpdateAfter = 6 * time.Hour

// Policy returns the update policy of a host. Errors: left4me.NotFound for an unknown host.
func (g *Game) Policy(ctx context.Context, host left4me.Name) (Policy, error) {
	if err := g.hosts.Known(host); err != nil {
		return Policy{}, err
	}
	p, err := g.storage.Game().Policy(ctx, host)
	if errors.Is(err, left4me.NotFound) {
		return standard, nil
	}
	return p, err
}

// SetPolicy replaces the update policy of a host. Errors: left4me.Invalid with the field,
// left4me.NotFound for an unknown host.
func (g *Game) SetPolicy(ctx context.Context, by left4me.Actor, host left4me.Name, p Policy) (Policy, error) {
	if err := g.hosts.Known(host); err != nil {
		return p, err
	}
	p, err := checkPolicy(p)
	if err != nil {
		return p, err
	}
	if err := g.storage.By(by).Game().SetPolicy(ctx, host, p); err != nil {
		return p, err
	}
	g.log.InfoContext(ctx, "policy for the game", "host", host, "by", by.String(), "check", p.CheckEvery, "update", p.Update,
		"at", p.UpdateAt, "restart", p.Restart)
	g.changed()
	return p, nil
}

// checkPolicy returns the normalised policy, or all fields that are invalid.
func checkPolicy(p Policy) (Policy, error) {
	var wrong left4me.Fields
	if p.CheckEvery != 0 && (p.CheckEvery < minCheck || p.CheckEvery > maxCheck) {
		wrong = append(wrong,
			left4me.NewError(left4me.Invalid, "game.check_hours_out_of_range", "least", minCheck, "most", maxCheck).InField("check_hours"))
	}
	if p.Update && p.CheckEvery == 0 {
		wrong = append(wrong,
			left4me.NewError(left4me.Invalid, "game.update_without_checks").InField("update"))
	}
	if p.UpdateAt != "" {
		if !rolloutrules.IsHour(p.UpdateAt) {
			wrong = append(wrong,
				left4me.NewError(left4me.Invalid, "game.hour_invalid", "time", p.UpdateAt).InField("update_at"))
		}
	}
	mode, err := rolloutrules.ParseMode(p.Restart)
	if e, ok := left4me.Public(err); ok {
		wrong = append(wrong, e)
	}
	p.Restart = string(mode)
	if len(wrong) > 0 {
		return p, wrong
	}
	return p, nil
}

// duty is the action that a policy requires now.
type duty string

const (
	nothing duty = ""
	check   duty = "check"
	update  duty = "update"
)

// due decides whether a check or an update is due. past holds the latest jobs on the game. Times in
// the future date from before the clock was set back, and are ignored.
func due(p Policy, v left4me.Game, past []left4me.Job, now time.Time) duty {
	if v.Current == 0 || p.CheckEvery == 0 || slices.ContainsFunc(past, func(j left4me.Job) bool { return !j.State.Ended() }) {
		return nothing
	}
	if p.Update && v.Outdated && !v.Pinned && !failedLately(past, now) {
		if in, _ := rolloutrules.Within(p.UpdateAt, time.Time{}, now); in || p.UpdateAt == "" {
			return update
		}
	}
	var asked time.Time // when Steam was last queried, successfully or not
	later := func(t time.Time) {
		if t.After(asked) && !t.After(now) {
			asked = t
		}
	}
	later(v.CheckedAt)
	for _, j := range past {
		if j.Kind == left4me.CheckGame {
			later(j.CreatedAt)
		}
	}
	if now.Sub(asked) >= p.CheckEvery+jitter(asked, p.CheckEvery) {
		return check
	}
	return nothing
}

// failedLately reports whether an automatic update failed within retryUpdateAfter.
func failedLately(past []left4me.Job, now time.Time) bool {
	return slices.ContainsFunc(past, func(j left4me.Job) bool {
		return j.Kind == left4me.UpdateGame && j.By == left4me.BySchedule && j.State != left4me.JobDone &&
			now.Sub(j.EndedAt) < retryUpdateAfter && !j.EndedAt.After(now)
	})
}

// jitter returns up to a tenth of the interval, so that hosts don't query Steam all at once. It is
// constant until the next check.
func jitter(asked time.Time, every time.Duration) time.Duration {
	h := fnv.New32a()
	fmt.Fprint(h, asked.UnixNano())
	return time.Duration(h.Sum32()%1000) * every / 10_000
}

// applyPolicy does what the policy of a host requires now.
func (g *Game) applyPolicy(ctx context.Context, host left4me.Name) error {
	a := g.last(host)
	if a.at.IsZero() || a.problem != nil {
		return nil
	}
	p, err := g.Policy(ctx, host)
	if err != nil {
		return err
	}
	past, err := g.jobs.List(ctx, noun, host, pastJobs)
	if err != nil {
		return err
	}
	if len(past) > 0 && !a.at.After(past[0].EndedAt) {
		// The host's last answer may predate the changes of that job.
		if a = g.ask(ctx, host); a.problem != nil {
			return nil
		}
	}
	switch due(p, a.game, past, g.now()) {
	case check:
		_, err = g.Act(ctx, left4me.BySchedule, left4me.CheckGame, host, Request{})
	case update:
		_, err = g.Act(ctx, left4me.BySchedule, left4me.UpdateGame, host, Request{Restart: Mode(p.Restart)})
	}
	return err
}
