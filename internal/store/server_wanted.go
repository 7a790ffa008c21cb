package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/left4me/left4me/internal/left4me"
)

// SetWanted notes what somebody asked of a server otherwise than by a job: who
// stopped it from its console, say. Errors: left4me.NotFound.
func (s Servers) SetWanted(ctx context.Context, name left4me.Name, w left4me.Wanted, by left4me.Actor, at time.Time) error {
	err := s.db.tx(ctx, func(tx *transaction) error { return setWanted(ctx, tx, name, w, by, at, "") })
	if err != nil {
		return fmt.Errorf("note that %s wants %s %s: %w", by, name, w, err)
	}
	return nil
}

// setWanted writes the wanted state of a server, and by which job. Whoever asks
// releases what held the server.
func setWanted(ctx context.Context, tx *transaction, name left4me.Name, w left4me.Wanted, by left4me.Actor, at time.Time,
	job left4me.JobID,
) error {
	if err := hold(ctx, tx, name, "", by); err != nil {
		return err
	}
	r, err := tx.ExecContext(ctx, `UPDATE server SET wanted = ?, wanted_by = ?, wanted_at = ?, wanted_job = ? WHERE name = ?`,
		w, by.String(), millis(at), job, name)
	if err != nil {
		return err
	}
	if n, err := r.RowsAffected(); err != nil || n == 0 {
		return errors.Join(err, left4me.NoSuch("server", string(name)))
	}
	return nil
}

// wish notes what whoever asked for a job wants of its server.
func wish(ctx context.Context, tx *transaction, v left4me.Job) error {
	if w := v.Kind.Wants(); w != "" {
		return setWanted(ctx, tx, v.Target, w, v.By, v.CreatedAt, v.ID)
	}
	return nil
}

// endWish notes what the end of a job means for what is wanted of its server. A
// job that was cancelled before it began is as if nobody had asked, unless
// somebody asked for something else since. One that was cancelled later has left
// the server down, or leaves it so. A start that ends left4me each time is not
// tried again.
func endWish(ctx context.Context, tx *transaction, v left4me.Job) error {
	var err error
	switch {
	case v.Kind.Wants() == "":
	case v.State == left4me.JobCancelled && v.Attempt == 0:
		_, err = tx.ExecContext(ctx, `UPDATE server SET wanted = job.wanted_before, wanted_job = '' FROM job
			WHERE job.id = ?1 AND server.id = job.target_id AND server.wanted_job = job.id AND job.wanted_before <> ''`, v.ID)
	case v.State == left4me.JobCancelled:
		_, err = tx.ExecContext(ctx, `UPDATE server SET wanted = ? WHERE id = ? AND wanted_job = ?`, left4me.WantStopped, v.TargetID, v.ID)
	case v.State == left4me.JobInterrupted && v.Kind.Wants() == left4me.WantRunning:
		var there bool
		err = tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM server WHERE id = ? AND wanted_job = ?)`, v.TargetID, v.ID).Scan(&there)
		if err == nil && there {
			err = hold(ctx, tx, v.Target, left4me.HeldCrashed, tx.by)
		}
	}
	return err
}

// Hold notes what holds a server, or with an empty reason that nothing does. One
// that isn't there is passed over.
func (s Servers) Hold(ctx context.Context, name left4me.Name, why left4me.Held) error {
	err := s.db.tx(ctx, func(tx *transaction) error {
		return hold(ctx, tx, name, why, tx.by)
	})
	if err != nil {
		return fmt.Errorf("hold %s: %w", name, err)
	}
	return nil
}

// hold is Hold in a transaction; what is held so already makes no event.
func hold(ctx context.Context, tx *transaction, name left4me.Name, why left4me.Held, by left4me.Actor) error {
	n, err := removed(tx.ExecContext(ctx, `UPDATE server SET held = ?1 WHERE name = ?2 AND held <> ?1`, why, name))
	if err != nil || n == 0 {
		return err
	}
	return tx.eventBy(ctx, by, left4me.ServerHeld, left4me.OnServer(name), left4me.HeldEvent{Held: why})
}

// Decision is what becomes of a server that nobody asks for when left4me starts.
type Decision struct {
	Reason string       // why it is started; empty: it isn't
	Hold   left4me.Held // why it isn't started before somebody asks; empty: as it was
}

// Autostart decides with decide, which sees the row of the server and its active
// jobs (oldest first), and adds the start v when it says so. The boot of the host
// is noted beside the row, unless it is empty. All of it is one transaction, so that nothing that
// people ask for comes between. It reports whether v was added. A server that
// isn't there is no error.
func (s Jobs) Autostart(ctx context.Context, v QueuedJob, boot string, decide func(left4me.Server, []QueuedJob) Decision) (QueuedJob,
	bool, error,
) {
	asked, added := v, false
	err := s.db.tx(ctx, func(tx *transaction) error {
		v, added = asked, false // of an attempt that was given up
		if err := follow(ctx, tx, &v); err != nil {
			return err
		}
		server, err := scanServer(tx.QueryRowContext(ctx, `SELECT `+serverColumns+` FROM server WHERE name = ?`, v.Target))
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		active, err := activeOf(ctx, tx, v.Job)
		if err != nil {
			return err
		}
		do := decide(server, active)
		boot, held := cmp.Or(boot, server.BootID), cmp.Or(do.Hold, server.Held)
		if boot != server.BootID || held != server.Held {
			if _, err := tx.ExecContext(ctx, `UPDATE server SET boot_id = ? WHERE name = ?`, boot, v.Target); err != nil {
				return err
			}
			if err := hold(ctx, tx, v.Target, held, tx.by); err != nil {
				return err
			}
		}
		if do.Reason == "" {
			return nil
		}
		added, v.Reason, v.TargetID = true, do.Reason, server.ID
		// Whoever cancels it wants the server to stay down.
		return insertJob(ctx, tx, &v, left4me.WantStopped)
	})
	if err != nil {
		return v, false, fmt.Errorf("start %s unasked: %w", v.Target, err)
	}
	return v, added, nil
}
