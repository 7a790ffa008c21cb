package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/left4me/left4me/internal/left4me"
)

// Jobs accesses the table job.
type Jobs struct{ db *Store }

// Jobs returns access to jobs; the value may be copied.
func (s *Store) Jobs() Jobs { return Jobs{s} }

// QueuedJob is a job with the payload for its host.
type QueuedJob struct {
	left4me.Job
	Spec       json.RawMessage // depends on the kind
	Cancelling bool            // its cancellation was requested
}

const (
	jobColumns = `id, kind, target, host, state, spec, steps, log` + jobRest
	// jobListColumns lists the columns without the log, which may be the largest part of a job.
	jobListColumns = `id, kind, target, host, state, spec, steps, '[]'` + jobRest
	jobRest        = `, error, ` + requesterColumns +
		`, attempt, cancelling, created_at, started_at, ended_at, reason, target_id, request_id`
)

func scanJob(r row) (QueuedJob, error) {
	var (
		v              QueuedJob
		spec           []byte
		steps, log     string
		failure        sql.NullString
		created        int64
		started, ended sql.NullInt64
		by             requester
		reason         string
	)
	err := r.Scan(&v.ID, &v.Kind, &v.Target, &v.Host, &v.State, &spec, &steps, &log, &failure, &by.name, &by.id, &by.kind, &by.token,
		&v.Attempt, &v.Cancelling, &created, &started, &ended, &reason, &v.TargetID, &v.RequestID)
	if err != nil {
		return v, err
	}
	v.By = by.actor()
	v.CreatedAt, v.StartedAt, v.EndedAt = fromMillis(created), fromNull(started), fromNull(ended)
	if failure.Valid {
		v.Error = new(left4me.Error)
		if err := fromJSON(failure.String, v.Error); err != nil {
			return v, err
		}
	}
	v.Spec, v.Reason = spec, noteFrom(reason)
	if v.Kind == left4me.ChangeMap {
		v.MapChange = new(left4me.MapChange)
		if err := fromJSON(string(spec), v.MapChange); err != nil {
			return v, err
		}
	}
	return v, errors.Join(fromJSON(steps, &v.Steps), fromJSON(log, &v.Log))
}

// Get returns one job. Errors: left4me.NotFound.
func (s Jobs) Get(ctx context.Context, id left4me.JobID) (QueuedJob, error) {
	return one(s.db.row(ctx, `SELECT `+jobColumns+` FROM job WHERE id = ?`, id), scanJob, "job", id)
}

// List returns the newest jobs, at most limit, without their logs. A non-empty target restricts
// them to that target, and a non-empty before to older jobs. Jobs on a deleted object are only
// listed while nothing else has its name.
func (s Jobs) List(ctx context.Context, noun string, target left4me.Name, before left4me.JobID, limit int) ([]QueuedJob, error) {
	if before == "" {
		before = "~" // greater than any id
	}
	query, args := `SELECT `+jobListColumns+` FROM job WHERE id < ? ORDER BY id DESC LIMIT ?`, []any{before, limit}
	if target != "" {
		on, err := s.db.Target(ctx, left4me.TargetKind(noun), string(target))
		if err != nil {
			return nil, fmt.Errorf("list jobs: %w", err)
		}
		query = `SELECT ` + jobListColumns + ` FROM job WHERE noun = ? AND target = ? AND id < ? ORDER BY id DESC LIMIT ?`
		args = []any{noun, target, before, limit}
		if on.ID != "" {
			query = `SELECT ` + jobListColumns + ` FROM job WHERE target_id = ? AND id < ? ORDER BY id DESC LIMIT ?`
			args = []any{on.ID, before, limit}
		}
	}
	all, err := list(ctx, s.db, scanJob, query, args...)
	if err != nil {
		return nil, fmt.Errorf("list jobs: %w", err)
	}
	return all, nil
}

// Failed returns, for each target whose newest job of a noun ("server" or "overlay") failed or was
// interrupted, that job without its log.
func (s Jobs) Failed(ctx context.Context, noun string, targets []left4me.Name) ([]QueuedJob, error) {
	names, err := toJSON(targets)
	if err != nil {
		return nil, err
	}
	all, err := list(ctx, s.db, scanJob, `SELECT `+jobListColumns+` FROM job WHERE state IN ('failed','interrupted') AND id IN
		(SELECT (SELECT newest.id FROM job AS newest WHERE newest.target_id = target.id ORDER BY newest.id DESC LIMIT 1)
		FROM (SELECT 'server' AS noun, id, name FROM server UNION ALL SELECT 'overlay', id, name FROM overlay) AS target
		JOIN json_each(?2) AS name ON target.name = name.value WHERE target.noun = ?1)`, noun, names)
	if err != nil {
		return nil, fmt.Errorf("list failed jobs: %w", err)
	}
	return all, nil
}

// Active returns all queued and running jobs, oldest first. It runs after every change. Without
// INDEXED BY, SQLite would scan all jobs to avoid sorting these few.
func (s Jobs) Active(ctx context.Context) ([]QueuedJob, error) {
	all, err := list(ctx, s.db, scanJob, `SELECT `+jobColumns+` FROM job INDEXED BY job_active
		WHERE state IN ('queued','running') ORDER BY id`)
	if err != nil {
		return nil, fmt.Errorf("list active jobs: %w", err)
	}
	return all, nil
}

// Add calls decide with the active jobs of the same noun and target, oldest first, and adds v
// unless decide returns another job. In either case it records the state that v wants for its
// server. It all happens in one transaction, so that of two concurrent requests only one adds a
// job. Add returns the resulting job: v or the one from decide. Errors: left4me.NotFound for a job
// on an unknown server or overlay, or on one whose id is not v.TargetID, so that no job can be
// added after a deletion.
func (s Jobs) Add(ctx context.Context, v QueuedJob, decide func(active []QueuedJob) (*QueuedJob, error)) (QueuedJob, error) {
	asked := v
	err := s.db.tx(ctx, func(tx *transaction) error {
		v = asked
		if err := followRename(ctx, tx, &v); err != nil {
			return err
		}
		active, err := activeOf(ctx, tx, v.Job)
		if err != nil {
			return err
		}
		instead, err := decide(active)
		if err != nil {
			return err
		}
		if instead != nil {
			again := instead.Job
			again.By, again.CreatedAt = v.By, v.CreatedAt
			v = *instead
			return recordWanted(ctx, tx, again)
		}
		if v.TargetID, err = targetID(ctx, tx, v.Job); err != nil {
			return err
		}
		return insertJob(ctx, tx, &v, "")
	})
	if err != nil {
		return v, fmt.Errorf("add job %s on %s: %w", v.Kind, v.Target, err)
	}
	return v, nil
}

// followRename gives a job the current name of a server that was renamed after it was read. Errors:
// left4me.Conflict if the job would restore the old name on the host.
func followRename(ctx context.Context, tx *transaction, v *QueuedJob) error {
	if v.Kind.Noun() != "server" || v.TargetID == "" {
		return nil
	}
	var name left4me.Name
	err := tx.QueryRowContext(ctx, `SELECT name FROM server WHERE id = ?`, v.TargetID).Scan(&name)
	if errors.Is(err, sql.ErrNoRows) {
		return nil // targetID reports it
	}
	if err != nil || name == v.Target {
		return err
	}
	n, err := v.names()
	if err == nil && n.OldName != "" {
		err = left4me.NewError(left4me.Conflict, "server.renamed_meanwhile", "server", v.Target)
	}
	v.Target = name
	return err
}

// activeOf returns the active jobs of the noun and target of v, oldest first.
func activeOf(ctx context.Context, tx *transaction, v left4me.Job) ([]QueuedJob, error) {
	return queryAll(ctx, tx, scanJob, `SELECT `+jobColumns+` FROM job
		WHERE noun = ? AND target = ? AND state IN ('queued','running') ORDER BY id`, v.Kind.Noun(), v.Target)
}

// insertJob adds v as queued, and records the state that it wants for its server. before is the
// wanted state to restore if v is cancelled before it begins; empty means the current one.
func insertJob(ctx context.Context, tx *transaction, v *QueuedJob, before left4me.Wanted) error {
	v.State = left4me.JobQueued
	var err error
	if v.By.ID, err = tx.actorID(ctx, v.By); err != nil {
		return err
	}
	by := requesterOf(v.By)
	_, err = tx.ExecContext(ctx,
		`INSERT INTO job(id, kind, noun, target, host, state, spec, steps, created_at, reason, target_id, wanted_before, request_id,
			`+requesterColumns+`)
		VALUES (?1,?2,?3,?4,?5,?6,?7,'[]',?8,?9,?10,
			CASE WHEN ?11 <> '' OR ?3 <> 'server' THEN ?11 ELSE (SELECT wanted FROM server WHERE id = ?10) END,?16,?12,?13,?14,?15)`,
		v.ID, v.Kind, v.Kind.Noun(), v.Target, v.Host, v.State, string(v.Spec), millis(v.CreatedAt), noteText(v.Reason), v.TargetID, before,
		by.name, by.id, by.kind, by.token, v.RequestID)
	if err == nil {
		err = jobEvent(ctx, tx, left4me.JobAdded, v.Job)
	}
	if err != nil {
		return err
	}
	return recordWanted(ctx, tx, v.Job)
}

// jobEvent writes an event of a job, by the actor who requested it.
func jobEvent(ctx context.Context, tx *transaction, kind left4me.EventKind, v left4me.Job) error {
	e := left4me.JobEvent{Job: v.ID, Kind: v.Kind, Host: v.Host, State: v.State, Reason: v.Reason.Text}
	if v.Error != nil {
		e.Error = v.Error.Clipped().Text
	}
	return tx.writeEvent(ctx, v.By, kind, targetOf(v), e)
}

// targetOf returns the target of a job with its id at the time of the request.
func targetOf(v left4me.Job) left4me.Target {
	on := left4me.TargetOf(v.Kind, v.Target)
	on.ID = v.TargetID
	return on
}

// targetID returns the id of a job's target, or empty for a host. Errors: left4me.NotFound if the
// target doesn't exist or its id differs from v.TargetID.
func targetID(ctx context.Context, tx *transaction, v left4me.Job) (left4me.ID, error) {
	on := left4me.TargetOf(v.Kind, v.Target)
	if on.Kind == left4me.HostTarget {
		return "", nil
	}
	on, err := tx.identify(ctx, on)
	if err == nil && (on.ID == "" || v.TargetID != "" && v.TargetID != on.ID) {
		err = left4me.NoSuch(v.Kind.Noun(), string(v.Target))
	}
	return on.ID, err
}

// Run marks a queued job as running, or counts another attempt of a running one. It returns false
// and changes nothing if another job runs for the target. Errors: left4me.NotFound if the job has
// ended, was cancelled before it began, or doesn't exist.
func (s Jobs) Run(ctx context.Context, id left4me.JobID, now time.Time) (QueuedJob, bool, error) {
	var v QueuedJob
	err := s.db.tx(ctx, func(tx *transaction) (err error) {
		v, err = scanJob(tx.QueryRowContext(ctx, `UPDATE job SET state = 'running', attempt = attempt + 1,
			started_at = COALESCE(started_at, ?2) WHERE id = ?1
			AND (state = 'running' OR state = 'queued' AND NOT cancelling)
			RETURNING `+jobColumns, id, millis(now)))
		return err
	})
	switch {
	case uniqueViolation(err):
		return v, false, nil
	case errors.Is(err, sql.ErrNoRows):
		return v, false, left4me.NoSuch("active job", string(id))
	case err != nil:
		return v, false, fmt.Errorf("run job %s: %w", id, err)
	}
	return v, true, nil
}

// Step saves the steps and the last output of a running job. A job that has ended stays unchanged.
func (s Jobs) Step(ctx context.Context, id left4me.JobID, steps []left4me.Step, log []string) error {
	text, err := toJSON(steps)
	lines, lerr := toJSON(left4me.ClipLog(log))
	if err = errors.Join(err, lerr); err == nil {
		err = s.db.tx(ctx, func(tx *transaction) error {
			_, err := tx.ExecContext(ctx, `UPDATE job SET steps = ?, log = ? WHERE id = ? AND state = 'running'`, text, lines, id)
			if err != nil {
				return err
			}
			return noteRenamed(ctx, tx, id, steps)
		})
	}
	if err != nil {
		return fmt.Errorf("keep steps of job %s: %w", id, err)
	}
	return nil
}

// End ends an active job. In the same transaction it deletes the row of the server that the job
// deleted (dropServer, if not empty), so that the row is deleted last and only once, and records
// what the job did to an overlay. It returns the ended job with the current name of its target, and
// whether the job was still active.
func (s Jobs) End(ctx context.Context, v left4me.Job, dropServer left4me.Name) (left4me.Job, bool, error) {
	steps, err := toJSON(v.Steps)
	lines, lerr := toJSON(left4me.ClipLog(v.Log))
	if err = errors.Join(err, lerr); err != nil {
		return v, false, fmt.Errorf("end job %s: %w", v.ID, err)
	}
	var failure sql.NullString
	if v.Error != nil {
		failure.Valid = true
		if failure.String, err = toJSON(v.Error.Clipped()); err != nil {
			return v, false, fmt.Errorf("end job %s: %w", v.ID, err)
		}
	}
	var ended bool
	err = s.db.tx(ctx, func(tx *transaction) error {
		ended = false // reset after a failed attempt
		err := tx.QueryRowContext(ctx, `UPDATE job SET state = ?, steps = ?, log = ?, error = ?, ended_at = ?
			WHERE id = ? AND state IN ('queued','running') RETURNING target, target_id, asked_by_id`,
			v.State, steps, lines, failure, millis(v.EndedAt), v.ID).Scan(&v.Target, &v.TargetID, &v.By.ID)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		ended = true
		if err := jobEvent(ctx, tx, left4me.JobEnded, v); err != nil {
			return err
		}
		if err := noteRenamed(ctx, tx, v.ID, v.Steps); err != nil {
			return err
		}
		if err := endOverlayJob(ctx, tx, v); err != nil {
			return err
		}
		if err := endRestore(ctx, tx, v); err != nil {
			return err
		}
		if err := endWanted(ctx, tx, v); err != nil || dropServer == "" {
			return err
		}
		return deleteServer(ctx, tx, v)
	})
	if err != nil {
		return v, false, fmt.Errorf("end job %s: %w", v.ID, err)
	}
	return v, ended, nil
}

// Cancel records the request to cancel a job, and returns the updated job. Errors:
// left4me.NotFound.
func (s Jobs) Cancel(ctx context.Context, id left4me.JobID) (QueuedJob, error) {
	var v QueuedJob
	err := s.db.tx(ctx, func(tx *transaction) (err error) {
		v, err = one(tx.QueryRowContext(ctx, `UPDATE job SET cancelling = 1 WHERE id = ? RETURNING `+jobColumns, id), scanJob, "job", id)
		return err
	})
	if err != nil {
		return v, fmt.Errorf("cancel job %s: %w", id, err)
	}
	return v, nil
}
