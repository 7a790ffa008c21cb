package agent

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/disk"
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
	copies, _ := filepath.Glob(filepath.Join(string(b.core.Files.Root), "tmp", "backup-*.db*"))
	for _, c := range copies {
		err = errors.Join(err, os.Remove(c))
	}
	err = errors.Join(err, b.core.Files.Root.DropStages())
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

// open copies the database out of a backup.
func (b *backups) open(ctx context.Context, r bus.BackupRequest) (bus.OpenBackupAnswer, error) {
	archives := b.archives()
	if _, err := archives.Get(r.Name); err != nil {
		return bus.OpenBackupAnswer{}, err
	}
	f, err := os.Open(archives.File(r.Name))
	if err != nil {
		return bus.OpenBackupAnswer{}, err
	}
	defer f.Close()
	dir := filepath.Join(string(b.core.Files.Root), "tmp")
	if err := os.MkdirAll(dir, 0o751); err != nil {
		return bus.OpenBackupAnswer{}, err
	}
	file := filepath.Join(dir, "backup-read-"+rand.Text()+".db")
	if _, err := backup.Database(ctx, f, file); err != nil {
		return bus.OpenBackupAnswer{}, err
	}
	return bus.OpenBackupAnswer{V: bus.Version, Path: file, Items: archives.Items(r.Name, bus.MaxBackupItems)}, nil
}

// restore reads the writable layer of a server from a backup. It becomes that of a deleted server, which
// control then restores. An interrupted run leaves nothing.
func (b *backups) restore(ctx context.Context, id left4me.JobID, spec left4me.BackupSpec, p *job.Progress) error {
	p.Plan(left4me.StepReadBackup, left4me.StepKeepFiles)
	from := spec.Server
	if from == nil || !left4me.KeptName(from.Definition.ID).Kept() {
		return left4me.NewError(left4me.Invalid, "job.no_backup", "job", id)
	}
	root, kept := b.core.Files.Root, left4me.KeptName(from.Definition.ID)
	if root.Exists(kept) { // the files are in place; only the job's end was not recorded
		p.Skip(left4me.NewNote("step.done_before_restart"), left4me.StepReadBackup)
		return b.keepRestored(ctx, kept, p)
	}
	stage, name, err := root.Stage(id)
	if err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	defer func() {
		if err := errors.Join(stage.Close(), root.DropStages()); err != nil {
			b.core.log.WarnContext(ctx, "what a restore left", "err", err)
		}
	}()
	var out backup.Extracted
	err = p.Step(ctx, left4me.StepReadBackup, func(ctx context.Context) (left4me.Notes, error) {
		f, err := os.Open(b.archives().File(spec.Name))
		if err != nil {
			return nil, left4me.NewError(left4me.NotFound, "backup.unknown", "backup", spec.Name).Because(err)
		}
		defer f.Close()
		free, err := disk.Free(string(root))
		if err == nil {
			err = errors.Join(stage.Mkdir("kept", 0o770), stage.Chmod("kept", 0o770))
		}
		if err == nil && b.core.Files.Group >= 0 {
			err = errors.Join(stage.Lchown("kept", -1, b.core.Files.Group), stage.Chmod("kept", 0o770|fs.ModeSetgid))
		}
		if err != nil {
			return nil, err
		}
		x := backup.Extraction{
			File: f, Space: max(free-backup.Margin, 0), Stage: stage, To: "kept/upper", Mode: 0o060, Group: b.core.Files.Group,
			Progress: p.Bytes(left4me.StepReadBackup),
		}
		out, err = x.Upper(ctx, from.From)
		return left4me.Notes{left4me.NewNote("files.count", "count", int(out.Files))}, err
	})
	if err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	if err := root.KeepStaged(name, "kept", kept); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	return b.keepRestored(ctx, kept, p)
}

// keepRestored reports the size of the files that were restored.
func (b *backups) keepRestored(ctx context.Context, kept left4me.Name, p *job.Progress) error {
	return p.Step(ctx, left4me.StepKeepFiles, func(ctx context.Context) (left4me.Notes, error) {
		ctx, cancel := context.WithTimeout(ctx, sizeWithin)
		defer cancel()
		size := b.core.Files.Root.Size(ctx, kept)
		p.Bytes(left4me.StepKeepFiles)(size, size)
		return nil, nil
	})
}
