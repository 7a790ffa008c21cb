package store

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/left4me/left4me/internal/left4me"
)

// Rename renames a server. One transaction updates its row, its jobs, reports and rollouts.
// The host keeps using the old name until a start renames its files. Rename returns the server
// before and after. Errors: left4me.NotFound; left4me.Conflict for the field "name" if another
// server has the name, here or on its host; left4me.Conflict if version is neither 0 nor the
// current version, or if the server is being deleted; left4me.Busy while a job may be renaming it
// on its host.
func (s Servers) Rename(ctx context.Context, name, to left4me.Name, version int) (before, after left4me.Server, err error) {
	err = s.db.tx(ctx, func(tx *transaction) error {
		before, err = one(tx.QueryRowContext(ctx, `SELECT `+serverColumns+` FROM server WHERE name = ?`, name), scanServer, "server", name)
		if err == nil {
			err = checkVersion(before.Version, version,
				left4me.NewError(left4me.Conflict, "server.changed", "server", name, "version", before.Version))
		}
		if err != nil {
			return err
		}
		after = before
		if to == name {
			return nil
		}
		after.Name, after.HostName, after.Version = to, before.OnHost(), before.Version+1
		if after.HostName == to { // back to the host's name
			after.HostName = ""
		}
		if err := checkRenamable(ctx, tx, before, after); err != nil {
			return err
		}
		return rename(ctx, tx, before, after)
	})
	if err != nil {
		return before, after, fmt.Errorf("rename server %s: %w", name, err)
	}
	return before, after, nil
}

// checkRenamable checks that a server can be renamed now.
func checkRenamable(ctx context.Context, tx *transaction, before, after left4me.Server) error {
	active, err := queryAll(ctx, tx, scanJob, `SELECT `+jobColumns+` FROM job
		WHERE target_id = ? AND state IN ('queued','running') ORDER BY id`, before.ID)
	if err != nil {
		return err
	}
	for _, v := range active {
		if v.Kind == left4me.DeleteServer {
			return left4me.NewError(left4me.Conflict, "server.being_deleted", "server", before.Name)
		}
		// The name on the host is only known once that job has ended.
		if names, err := v.names(); err != nil || names.OldName != "" {
			return errors.Join(err, left4me.NewError(left4me.Busy, "server.rename_under_way", "server", before.Name))
		}
	}
	return checkNameFree(ctx, tx, after)
}

// rename updates the name wherever it is stored.
func rename(ctx context.Context, tx *transaction, before, after left4me.Server) error {
	if _, err := tx.ExecContext(ctx, `UPDATE server SET name = ?, host_name = ?, version = ? WHERE id = ?`,
		after.Name, after.HostName, after.Version, after.ID); err != nil {
		return err
	}
	// Reports about an earlier server of the new name must not apply to this one.
	if _, err := tx.ExecContext(ctx, `DELETE FROM host_report WHERE noun = 'server' AND name = ?`, after.Name); err != nil {
		return err
	}
	for _, statement := range []string{
		`UPDATE job SET target = ?2 WHERE target_id = ?1`,
		`UPDATE host_report SET name = ?2 WHERE noun = 'server' AND target_id = ?1`,
	} {
		if _, err := tx.ExecContext(ctx, statement, after.ID, after.Name); err != nil {
			return err
		}
	}
	for table, column := range map[string]string{"rollout": "host", "content_restart": "overlay"} {
		if err := renameMoves(ctx, tx, table, column, before.Name, after.Name); err != nil {
			return err
		}
	}
	return tx.event(ctx, left4me.ServerRenamed, after.Target(),
		left4me.RenameEvent{From: before.Name, To: after.Name, Version: after.Version})
}

// renameMoves replaces the name of a server in the moves of rollouts; column is the key of their
// table.
func renameMoves(ctx context.Context, tx *transaction, table, column string, from, to left4me.Name) error {
	type planned struct {
		key   string
		moves []Move
	}
	scan := func(r row) (v planned, err error) {
		var moves string
		if err := r.Scan(&v.key, &moves); err != nil {
			return v, err
		}
		return v, fromJSON(moves, &v.moves)
	}
	all, err := queryAll(ctx, tx, scan, `SELECT `+column+`, moves FROM `+table)
	if err != nil {
		return err
	}
	for _, v := range all {
		named := func(m Move) bool { return m.Server == from }
		if !slices.ContainsFunc(v.moves, named) {
			continue
		}
		for i := range v.moves {
			if named(v.moves[i]) {
				v.moves[i].Server = to
			}
		}
		text, err := toJSON(v.moves)
		if err == nil {
			_, err = tx.ExecContext(ctx, `UPDATE `+table+` SET moves = ? WHERE `+column+` = ?`, text, v.key)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// ByID returns the server with this id under its current name. Errors: left4me.NotFound.
func (s Servers) ByID(ctx context.Context, id left4me.ID) (left4me.Server, error) {
	return one(s.db.row(ctx, `SELECT `+serverColumns+` FROM server WHERE id = ?`, id), scanServer, "server", id)
}

// ByHostName returns the server that a host knows as name: a renamed server with this host name, or
// the server of this name. Errors: left4me.NotFound.
func (s Servers) ByHostName(ctx context.Context, host, name left4me.Name) (left4me.Server, error) {
	return one(s.db.row(ctx, `SELECT `+serverColumns+` FROM server WHERE host = ?1 AND ?2 IN (host_name, name)`, host, name),
		scanServer, "server", name)
}

// OnHostAs records the name that a host reports for a server. It does nothing while a job on the
// server is active, because the job knows better, or if the name belongs to another server.
func (s Servers) OnHostAs(ctx context.Context, id left4me.ID, name left4me.Name) error {
	err := s.db.tx(ctx, func(tx *transaction) error {
		_, err := tx.ExecContext(ctx, `UPDATE server SET host_name = CASE name WHEN ?2 THEN '' ELSE ?2 END WHERE id = ?1
			AND NOT EXISTS (SELECT 1 FROM job WHERE target_id = ?1 AND state IN ('queued','running'))
			AND NOT EXISTS (SELECT 1 FROM server AS other WHERE other.id <> ?1 AND ?2 IN (other.name, other.host_name))`, id, name)
		return err
	})
	if err != nil {
		return fmt.Errorf("note that a server is called %s on its host: %w", name, err)
	}
	return nil
}

// jobNames holds the names in the payload of a job on a server.
type jobNames struct {
	Name    left4me.Name `json:"name"`
	OldName left4me.Name `json:"old_name"`
}

// names returns the names in a job with a left4me.Spec; for other jobs both are empty.
func (v QueuedJob) names() (n jobNames, err error) {
	if v.Kind.Noun() != "server" || len(v.Spec) == 0 {
		return n, nil
	}
	if err := json.Unmarshal(v.Spec, &n); err != nil {
		return n, fmt.Errorf("job %s: %w", v.ID, err)
	}
	return n, nil
}

// noteRenamed updates the host name of a server once a job has reported that it renamed the server
// on its host. A repeated report has no effect.
func noteRenamed(ctx context.Context, tx *transaction, id left4me.JobID, steps []left4me.Step) error {
	if !slices.ContainsFunc(steps, func(v left4me.Step) bool { return v.Label == left4me.StepRename && v.State == left4me.StepDone }) {
		return nil
	}
	var target left4me.ID
	var spec []byte
	err := tx.QueryRowContext(ctx, `SELECT target_id, spec FROM job WHERE id = ?`, id).Scan(&target, &spec)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	var n jobNames
	if err == nil {
		err = json.Unmarshal(spec, &n)
	}
	if err != nil || n.OldName == "" {
		return err
	}
	changed, err := rowsAffected(tx.ExecContext(ctx, `UPDATE server SET host_name = CASE name WHEN ?2 THEN '' ELSE ?2 END
		WHERE id = ?1 AND host_name = ?3`, target, n.Name, n.OldName))
	if err != nil || changed == 0 {
		return err
	}
	return dropOldName(ctx, tx, target, n)
}

// dropOldName removes the old name from the payloads of active jobs on a server, because the next
// server may take the name from now on.
func dropOldName(ctx context.Context, tx *transaction, target left4me.ID, n jobNames) error {
	active, err := queryAll(ctx, tx, scanJob, `SELECT `+jobColumns+` FROM job
		WHERE target_id = ? AND state IN ('queued','running') ORDER BY id`, target)
	if err != nil {
		return err
	}
	for _, v := range active {
		var spec map[string]json.RawMessage
		if len(v.Spec) == 0 || json.Unmarshal(v.Spec, &spec) != nil {
			continue
		}
		old, err := json.Marshal(n.OldName)
		switch {
		case err != nil:
			return err
		case bytes.Equal(spec["old_name"], old):
			delete(spec, "old_name")
		case (v.Kind == left4me.DiscardUpper || v.Kind == left4me.ChangeMap) && bytes.Equal(spec["server"], old):
			if spec["server"], err = json.Marshal(n.Name); err != nil {
				return err
			}
		default:
			continue
		}
		text, err := toJSON(spec)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE job SET spec = ? WHERE id = ?`, text, v.ID); err != nil {
			return err
		}
	}
	return nil
}

// followMoves returns moves with the current names of servers: the caller may have read them before
// a rename.
func followMoves(ctx context.Context, tx *transaction, moves []Move) ([]Move, error) {
	moves = slices.Clone(moves)
	for i, m := range moves {
		err := tx.QueryRowContext(ctx, `SELECT target FROM job WHERE id = ?`, m.Job).Scan(&moves[i].Server)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return nil, err
		}
	}
	return moves, nil
}
