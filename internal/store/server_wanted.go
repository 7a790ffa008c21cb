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

// SetWanted records a wanted state that was requested without a job, such as a stop from the
// console. Errors: left4me.NotFound.
func (s Servers) SetWanted(ctx context.Context, name left4me.Name, w left4me.Wanted, by left4me.Actor, at time.Time) error {
	err := s.db.tx(ctx, func(tx *transaction) error { return setWanted(ctx, tx, name, w, by, at, "") })
	if err != nil {
		return fmt.Errorf("note that %s wants %s %s: %w", by, name, w, err)
	}
	return nil
}

// setWanted writes the wanted state of a server and the job that set it, and releases a held
// server.
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

// recordWanted records the state that the requester of a job wants for its server.
func recordWanted(ctx context.Context, tx *transaction, v left4me.Job) error {
	if w := v.Kind.Wants(); w != "" {
		return setWanted(ctx, tx, v.Target, w, v.By, v.CreatedAt, v.ID)
	}
	return nil
}

// endWanted updates the wanted state of a server at the end of a job. A job cancelled before it
// began restores the previous state, unless another was requested since. A job cancelled later
// leaves the server stopped. A start that crashes left4me each time isn't repeated.
func endWanted(ctx context.Context, tx *transaction, v left4me.Job) error {
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

// Hold records why a server is held, or that it isn't if the reason is empty. An unknown server is
// ignored.
func (s Servers) Hold(ctx context.Context, name left4me.Name, why left4me.Held) error {
	err := s.db.tx(ctx, func(tx *transaction) error {
		return hold(ctx, tx, name, why, tx.by)
	})
	if err != nil {
		return fmt.Errorf("hold %s: %w", name, err)
	}
	return nil
}

// hold is Hold within a transaction. An unchanged reason writes no event.
func hold(ctx context.Context, tx *transaction, name left4me.Name, why left4me.Held, by left4me.Actor) error {
	n, err := rowsAffected(tx.ExecContext(ctx, `UPDATE server SET held = ?1 WHERE name = ?2 AND held <> ?1`, why, name))
	if err != nil || n == 0 {
		return err
	}
	return tx.eventBy(ctx, by, left4me.ServerHeld, left4me.OnServer(name), left4me.HeldEvent{Held: why})
}

// Decision is the action for a server when left4me starts.
type Decision struct {
	Reason left4me.Note // reason of the start; zero: no start
	Hold   left4me.Held // why it is held until a user starts it; empty: unchanged
}

// Autostart calls decide with the row of a server and its active jobs, oldest first, and adds the
// start v if decide gives a reason. It also saves the boot id of the host, unless it is empty. It
// all happens in one transaction, so that no user request comes in between. Autostart reports
// whether it added v. An unknown server is no error.
func (s Jobs) Autostart(ctx context.Context, v QueuedJob, boot string, decide func(left4me.Server, []QueuedJob) Decision) (QueuedJob,
	bool, error,
) {
	asked, added := v, false
	err := s.db.tx(ctx, func(tx *transaction) error {
		v, added = asked, false // reset after a failed attempt
		if err := followRename(ctx, tx, &v); err != nil {
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
		if do.Reason.IsZero() {
			return nil
		}
		added, v.Reason, v.TargetID = true, do.Reason, server.ID
		// A user who cancels it wants the server to stay down.
		return insertJob(ctx, tx, &v, left4me.WantStopped)
	})
	if err != nil {
		return v, false, fmt.Errorf("start %s unasked: %w", v.Target, err)
	}
	return v, added, nil
}
