package backups

import (
	"context"
	"errors"
	"time"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/periodic"
)

// Usual is the default policy.
var Usual = left4me.BackupPolicy{Enabled: true, At: "04:30", BackupKeep: left4me.BackupKeep{Daily: 7, Weekly: 4}}

const (
	maxKeep = 366
	// maxSleep limits how long the schedule sleeps, because the system clock may be changed.
	maxSleep = 10 * time.Minute
	// retryAfter is the pause after a failed pass.
	retryAfter = time.Minute
)

// Policy returns when backups are made and how many are kept.
func (b *Backups) Policy(ctx context.Context) (left4me.BackupPolicy, error) {
	p, _, err := b.policy(ctx)
	return p, err
}

func (b *Backups) policy(ctx context.Context) (left4me.BackupPolicy, time.Time, error) {
	p, last, err := b.storage.Backups().Policy(ctx)
	if errors.Is(err, left4me.NotFound) {
		return Usual, time.Time{}, nil
	}
	return p, last, err
}

// SetPolicy replaces the policy. Errors: left4me.Invalid, with the field.
func (b *Backups) SetPolicy(ctx context.Context, by left4me.Actor, p left4me.BackupPolicy) error {
	if err := Check(p); err != nil {
		return err
	}
	// The schedule counts from now: if today's time has passed, the next backup is tomorrow's.
	if err := b.storage.By(by).Backups().SetPolicy(ctx, p, b.now()); err != nil {
		return err
	}
	b.log.InfoContext(ctx, "policy of backups set", "by", by.String(), "enabled", p.Enabled, "at", p.At,
		"daily", p.Daily, "weekly", p.Weekly)
	select {
	case b.changed <- struct{}{}:
	default: // a wake-up is already pending
	}
	return nil
}

// Check returns what is wrong with a policy. Errors: left4me.Invalid, with the field.
func Check(p left4me.BackupPolicy) error {
	var wrong left4me.Fields
	if _, err := time.Parse("15:04", p.At); err != nil || len(p.At) != 5 {
		wrong = append(wrong,
			left4me.NewError(left4me.Invalid, "backup.time_invalid", "time", p.At).InField("at"))
	}
	for _, f := range []struct {
		field string
		n     int
	}{{"daily", p.Daily}, {"weekly", p.Weekly}} {
		if f.n < 0 || f.n > maxKeep {
			wrong = append(wrong,
				left4me.NewError(left4me.Invalid, "backup.keep_out_of_range", "count", f.n, "limit", maxKeep).InField(f.field))
		}
	}
	if len(wrong) == 0 && p.Enabled && p.Daily+p.Weekly == 0 {
		wrong = append(wrong,
			left4me.NewError(left4me.Invalid, "backup.none_kept").InField("daily"))
	}
	if len(wrong) > 0 {
		return wrong
	}
	return nil
}

// Due returns when the next backup is due: the first occurrence of p.At after last, in now's time
// zone. It may be in the past if left4me wasn't running then. A clock that was set back delays it
// by at most a day.
func Due(p left4me.BackupPolicy, last, now time.Time) time.Time {
	at, err := time.Parse("15:04", p.At)
	if err != nil {
		return now.Add(24 * time.Hour) // Check refuses such a policy
	}
	if last.After(now) {
		last = now
	}
	last = last.In(now.Location())
	day := time.Date(last.Year(), last.Month(), last.Day(), at.Hour(), at.Minute(), 0, 0, now.Location())
	if !day.After(last) {
		day = time.Date(last.Year(), last.Month(), last.Day()+1, at.Hour(), at.Minute(), 0, 0, now.Location())
	}
	return day
}

// keepSchedule adds backup jobs when they are due, until ctx ends. A backup missed while left4me
// wasn't running is made up for at the next start.
func (b *Backups) keepSchedule(ctx context.Context) {
	var wait time.Duration
	periodic.Run(ctx, periodic.Schedule{Next: func() time.Duration { return wait }, AtOnce: true, Wake: b.changed},
		func(ctx context.Context) { wait = b.tick(ctx) })
}

// tick adds a backup job if one is due, and returns how long to wait until the next pass.
func (b *Backups) tick(ctx context.Context) time.Duration {
	p, last, err := b.policy(ctx)
	if err != nil {
		b.log.ErrorContext(ctx, "schedule of backups", "err", err)
		return retryAfter
	}
	now := b.now()
	if last.IsZero() { // first start: the schedule counts from now
		if err := b.storage.Backups().Note(ctx, Usual, now); err != nil {
			b.log.ErrorContext(ctx, "schedule of backups", "err", err)
			return retryAfter
		}
		last = now
	}
	if !p.Enabled {
		return maxSleep
	}
	if wait := Due(p, last, now).Sub(now); wait > 0 {
		return min(wait, maxSleep)
	}
	// The time is recorded first, so that a backup that always fails isn't repeated endlessly.
	err = b.storage.Backups().Note(ctx, Usual, now)
	if err == nil {
		_, err = b.create(ctx, left4me.BySchedule, left4me.BackupSpec{Scheduled: true, Keep: p.BackupKeep})
	}
	if err != nil {
		b.log.ErrorContext(ctx, "schedule of backups", "err", err)
		return retryAfter
	}
	return maxSleep
}
