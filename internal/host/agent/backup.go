package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/host/backup"
	"github.com/left4me/left4me/internal/left4me"
)

const (
	snapshotWithin = 5 * time.Minute
	tellEvery      = 300 * time.Millisecond // how far a step is
)

// shelf is where the backups of this host stand.
func (a *Agent) shelf() backup.Shelf {
	return backup.Shelf{Dir: filepath.Join(string(a.Files.Root), "backups"), Margin: backup.Margin}
}

// sweepBackups removes what a backup left that was cut off. No job runs yet.
func (a *Agent) sweepBackups() {
	err := a.shelf().Sweep()
	copies, _ := filepath.Glob(filepath.Join(string(a.Files.Root), "tmp", "backup-*.db"))
	for _, c := range copies {
		err = errors.Join(err, os.Remove(c))
	}
	if err != nil {
		a.log.Warn("what a backup left", "err", err)
	}
}

// runBackup runs a job on backups.
func (a *Agent) runBackup(ctx context.Context, m bus.JobMessage, p *progress) error {
	var spec left4me.BackupSpec
	if err := json.Unmarshal(m.Spec, &spec); err != nil || !spec.Name.Valid() {
		return left4me.Errorf(left4me.Invalid, "job %s names no backup", m.ID)
	}
	switch m.Kind {
	case left4me.CreateBackup:
		p.plan(left4me.StepCheckBackupSpace, left4me.StepCopyDatabase, left4me.StepPackFiles, left4me.StepVerifyBackup,
			left4me.StepKeepBackup, left4me.StepDropBackups)
		return a.createBackup(ctx, m.ID, spec, p)
	case left4me.VerifyBackup:
		p.plan(left4me.StepVerifyBackup)
		return p.step(ctx, left4me.StepVerifyBackup, func(ctx context.Context) (string, error) {
			_, err := a.shelf().Verify(ctx, spec.Name, p.bytes(left4me.StepVerifyBackup))
			return "", err
		})
	}
	return unknownKind(a.Host, m.Kind)
}

// createBackup makes one. Whatever cuts it off leaves no backup, and no other one
// goes before this one was read back.
func (a *Agent) createBackup(ctx context.Context, id left4me.JobID, spec left4me.BackupSpec, p *progress) error {
	shelf := a.shelf()
	if b, err := shelf.Get(spec.Name); err == nil && b.State == left4me.BackupVerified {
		// It was made before left4me ended; only the message of it was lost.
		p.skip("it is there", left4me.StepCheckBackupSpace, left4me.StepCopyDatabase, left4me.StepPackFiles, left4me.StepVerifyBackup,
			left4me.StepKeepBackup)
		return a.dropBackups(ctx, spec, p)
	}
	src := backup.Source{
		Root: string(a.Files.Root), Settings: a.Settings, Progress: p.bytes(left4me.StepPackFiles),
		Head: backup.Head{
			Format:    backup.Format,
			Version:   a.Version,
			Host:      a.Host,
			CreatedAt: now().Truncate(time.Second),
			Scheduled: spec.Scheduled,
		},
	}
	err := p.step(ctx, left4me.StepCheckBackupSpace, func(ctx context.Context) (string, error) {
		size, err := src.Size(ctx)
		if err == nil {
			err = shelf.Room(size)
		}
		return fmt.Sprintf("%.1f MB of files", float64(size)/1e6), err
	})
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	defer func() {
		if src.Database != "" {
			_ = os.Remove(src.Database)
		}
	}()
	err = p.step(ctx, left4me.StepCopyDatabase, func(ctx context.Context) (string, error) {
		ctx, cancel := context.WithTimeout(ctx, snapshotWithin)
		defer cancel()
		var copied bus.SnapshotAnswer
		err := a.bus.Request(ctx, bus.Ask(a.Host, bus.VerbSnapshot), bus.SnapshotRequest{V: bus.Version, ID: id}, &copied)
		src.Database, src.Head.Schema = copied.Path, copied.Schema
		return "", err
	})
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	if err := a.packBackup(ctx, shelf, spec.Name, src, p); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	return a.dropBackups(ctx, spec, p)
}

func (a *Agent) packBackup(ctx context.Context, shelf backup.Shelf, name left4me.Name, src backup.Source, p *progress) error {
	var part *backup.Part
	err := p.step(ctx, left4me.StepPackFiles, func(ctx context.Context) (note string, err error) {
		if part, err = shelf.Pack(ctx, name, src); err != nil {
			return "", err
		}
		if w := part.Warnings(); len(w) > 0 {
			note = fmt.Sprintf("%d could not be taken as they are: %s", len(w), strings.Join(w[:min(len(w), 3)], ", "))
		}
		return note, nil
	})
	if err != nil {
		return err
	}
	defer part.Drop()
	err = p.step(ctx, left4me.StepVerifyBackup, func(ctx context.Context) (string, error) {
		return "", part.Check(ctx, p.bytes(left4me.StepVerifyBackup))
	})
	if err != nil {
		return err
	}
	return p.step(ctx, left4me.StepKeepBackup, func(context.Context) (string, error) {
		b, err := part.Keep()
		return fmt.Sprintf("%s, %.1f MB", b.Name, float64(b.Bytes)/1e6), err
	})
}

// dropBackups removes those of the schedule that are too old. What was asked for
// by somebody is theirs to delete.
func (a *Agent) dropBackups(ctx context.Context, spec left4me.BackupSpec, p *progress) error {
	if !spec.Scheduled {
		p.skip("only one of the schedule removes others", left4me.StepDropBackups)
		return nil
	}
	return p.step(ctx, left4me.StepDropBackups, func(context.Context) (string, error) {
		shelf := a.shelf()
		all, err := shelf.List()
		if err != nil {
			return "", err
		}
		gone := backup.Expired(all, spec.Keep, time.Local)
		for _, n := range gone {
			err = errors.Join(err, shelf.Delete(n))
		}
		return fmt.Sprintf("%d of %d", len(gone), len(all)), err
	})
}

// bytes gives a function that tells how many bytes of a step are done. It may be
// called as often as one likes.
func (p *progress) bytes(label string) func(done, total int64) {
	var told time.Time
	var before int64
	return func(done, total int64) {
		since := time.Since(told)
		if since < tellEvery && done < total {
			return
		}
		rate := int64(0)
		if !told.IsZero() && done > before {
			rate = int64(float64(done-before) / max(since, time.Millisecond).Seconds())
		}
		told, before = time.Now(), done
		p.set(label, func(s *left4me.Step) {
			s.Progress = left4me.Progress{Done: done, Total: total, Unit: "bytes", Rate: rate}
		})
	}
}
