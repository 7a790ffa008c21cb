package build

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/left4me/left4me/internal/disk"
	"github.com/left4me/left4me/internal/host/backup"
	"github.com/left4me/left4me/internal/left4me"
)

// fromBackup builds a revision with the files that an overlay had in a backup. Nothing of the current
// revision remains.
func fromBackup(ctx context.Context, b *build) error {
	from := b.spec.FromBackup
	return b.p.Step(ctx, left4me.StepReadBackup, func(ctx context.Context) (left4me.Notes, error) {
		root := string(b.builder.Files.Root)
		f, err := os.Open(backup.Archives{Dir: filepath.Join(root, "backups")}.File(from.Backup))
		if err != nil || !from.Backup.Valid() {
			return nil, left4me.NewError(left4me.NotFound, "backup.unknown", "backup", from.Backup).Because(err)
		}
		defer f.Close()
		free, err := disk.Free(root)
		if err != nil {
			return nil, err
		}
		if err := os.MkdirAll(b.staging.Scratch(), 0o700); err != nil {
			return nil, err
		}
		stage, err := os.OpenRoot(b.staging.Scratch())
		if err != nil {
			return nil, err
		}
		defer stage.Close()
		x := backup.Extraction{
			File: f, Space: max(free-backup.Margin, 0), Stage: stage, To: "tree", Group: -1,
			Progress: b.copyProgress(left4me.StepReadBackup),
		}
		out, err := x.Overlay(ctx, from.Overlay)
		if err != nil {
			return nil, err
		}
		if err := b.takeExtracted(stage); err != nil {
			return nil, err
		}
		missing := 0
		for _, r := range out.Missing {
			if !backup.Cached(ctx, root, r) {
				missing++
				continue
			}
			for _, l := range r.Links {
				if err := b.staging.Link(ctx, l, filepath.Join(root, r.Path)); err != nil {
					return nil, err
				}
			}
		}
		notes := left4me.Notes{left4me.NewNote("files.count", "count", int(out.Files))}
		if missing > 0 {
			b.p.Warn(left4me.StepReadBackup, left4me.NewNote("backup.downloads_missing", "count", missing))
		}
		return notes, nil
	})
}

// takeExtracted moves the extracted files into the revision.
func (b *build) takeExtracted(stage *os.Root) error {
	dir, err := stage.Open("tree")
	if err != nil {
		return err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	for _, n := range names {
		at := filepath.Join(b.staging.Scratch(), "tree", n)
		_ = os.Chmod(at, 0o755) // moving a directory needs the right to change it
		err = errors.Join(err, os.Rename(at, filepath.Join(b.staging.Dir(), n)))
	}
	return err
}
