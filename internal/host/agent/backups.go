package agent

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/host/backup"
	"github.com/left4me/left4me/internal/host/job"
	"github.com/left4me/left4me/internal/left4me"
)

const snapshotWithin = 5 * time.Minute

// backups creates and verifies the backups of a host.
type backups struct{ core *core }

// archives returns the directory of this host's backups.
func (b *backups) archives() backup.Archives {
	return backup.Archives{Dir: filepath.Join(string(b.core.Files.Root), "backups"), Margin: backup.Margin}
}

// sweep removes the partial files of interrupted backups. Call it before any job runs.
func (b *backups) sweep() {
	err := b.archives().Sweep()
	copies, _ := filepath.Glob(filepath.Join(string(b.core.Files.Root), "tmp", "backup-*.db"))
	for _, c := range copies {
		err = errors.Join(err, os.Remove(c))
	}
	if err != nil {
		b.core.log.Warn("what a backup left", "err", err)
	}
}

// verify reads a backup completely and checks it.
func (b *backups) verify(ctx context.Context, _ left4me.JobID, spec left4me.BackupSpec, p *job.Progress) error {
	p.Plan(left4me.StepVerifyBackup)
	return p.Step(ctx, left4me.StepVerifyBackup, func(ctx context.Context) (left4me.Notes, error) {
		_, err := b.archives().Verify(ctx, spec.Name, p.Bytes(left4me.StepVerifyBackup))
		return nil, err
	})
}

// create creates a backup. An interrupted run leaves no backup, and older backups are removed only
// after this one has been verified.
func (b *backups) create(ctx context.Context, id left4me.JobID, spec left4me.BackupSpec, p *job.Progress) error {
	p.Plan(left4me.StepCheckBackupSpace, left4me.StepCopyDatabase, left4me.StepPackFiles, left4me.StepVerifyBackup,
		left4me.StepKeepBackup, left4me.StepDropBackups)
	archives := b.archives()
	if made, err := archives.Get(spec.Name); err == nil && made.State == left4me.BackupVerified {
		// The backup was completed before left4me ended; only its job message was not acknowledged.
		p.Skip(left4me.NewNote("backup.already_complete"), left4me.StepCheckBackupSpace, left4me.StepCopyDatabase,
			left4me.StepPackFiles, left4me.StepVerifyBackup, left4me.StepKeepBackup)
		return b.dropOld(ctx, spec, p)
	}
	src := backup.Source{
		Root: string(b.core.Files.Root), Settings: b.core.Settings, Progress: p.Bytes(left4me.StepPackFiles),
		Head: backup.Head{
			Format:    backup.Format,
			Version:   b.core.Version,
			Host:      b.core.Host,
			CreatedAt: now().Truncate(time.Second),
			Scheduled: spec.Scheduled,
		},
	}
	err := p.Step(ctx, left4me.StepCheckBackupSpace, func(ctx context.Context) (left4me.Notes, error) {
		size, err := src.Size(ctx)
		if err == nil {
			err = archives.Room(size)
		}
		return left4me.Notes{left4me.NewNote("backup.size", "size", left4me.Bytes(size))}, err
	})
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	defer func() {
		if src.Database != "" {
			_ = os.Remove(src.Database)
		}
	}()
	err = p.Step(ctx, left4me.StepCopyDatabase, func(ctx context.Context) (left4me.Notes, error) {
		ctx, cancel := context.WithTimeout(ctx, snapshotWithin)
		defer cancel()
		var copied bus.SnapshotAnswer
		err := b.core.bus.Request(ctx, bus.Ask(b.core.Host, bus.VerbSnapshot), bus.SnapshotRequest{V: bus.Version, ID: id}, &copied)
		src.Database, src.Head.Schema = copied.Path, copied.Schema
		return nil, err
	})
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	if err := b.pack(ctx, archives, spec.Name, src, p); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	return b.dropOld(ctx, spec, p)
}

func (b *backups) pack(ctx context.Context, archives backup.Archives, name left4me.Name, src backup.Source, p *job.Progress) error {
	var part *backup.Part
	err := p.Step(ctx, left4me.StepPackFiles, func(ctx context.Context) (notes left4me.Notes, err error) {
		if part, err = archives.Pack(ctx, name, src); err != nil {
			return nil, err
		}
		if w := part.Warnings(); len(w) > 0 {
			notes = left4me.Notes{left4me.NewNote("backup.files_differ", "count", len(w), "files", strings.Join(w[:min(len(w), 3)], ", "))}
		}
		return notes, nil
	})
	if err != nil {
		return err
	}
	defer part.Drop()
	err = p.Step(ctx, left4me.StepVerifyBackup, func(ctx context.Context) (left4me.Notes, error) {
		return nil, part.Check(ctx, p.Bytes(left4me.StepVerifyBackup))
	})
	if err != nil {
		return err
	}
	return p.Step(ctx, left4me.StepKeepBackup, func(context.Context) (left4me.Notes, error) {
		made, err := part.Keep()
		return left4me.Notes{left4me.NewNote("backup.created", "backup", made.Name, "size", left4me.Bytes(made.Bytes))}, err
	})
}

// dropOld removes expired scheduled backups. Backups that a user requested are never removed
// automatically.
func (b *backups) dropOld(ctx context.Context, spec left4me.BackupSpec, p *job.Progress) error {
	if !spec.Scheduled {
		p.Skip(left4me.NewNote("backup.not_scheduled"), left4me.StepDropBackups)
		return nil
	}
	return p.Step(ctx, left4me.StepDropBackups, func(context.Context) (left4me.Notes, error) {
		archives := b.archives()
		all, err := archives.List()
		if err != nil {
			return nil, err
		}
		gone := backup.Expired(all, spec.Keep, time.Local)
		for _, n := range gone {
			err = errors.Join(err, archives.Delete(n))
		}
		return left4me.Notes{left4me.NewNote("backup.expired_removed", "count", len(gone), "backups", len(all))}, err
	})
}
