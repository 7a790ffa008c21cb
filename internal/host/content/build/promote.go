package build

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"slices"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/disk"
	"github.com/left4me/left4me/internal/host/content/archive"
	"github.com/left4me/left4me/internal/host/content/stack"
	"github.com/left4me/left4me/internal/left4me"
)

// promote builds a files overlay from files that a server wrote: a revision with these files on top of
// the current ones. A plugin may control which files exist and how long they are, so they must be
// within the limits of an import, and there must be enough space for all of them before the first is
// copied.
func promote(ctx context.Context, b *build) error {
	from := b.spec.Promote
	return b.p.Step(ctx, left4me.StepFetch, func(ctx context.Context) (left4me.Notes, error) {
		server, root := from.Server, b.builder.Files.Root
		has := root.FormerName(left4me.Spec{ID: b.spec.PromoteID, Name: server, OldName: b.spec.PromoteFrom})
		if has != "" && root.Exists(has) {
			server = has // it keeps the old name until its next start
		}
		// Another server may have the old name by now, which the check of the owner detects.
		if old := b.spec.PromoteFrom; old != "" && root.Exists(old) && !root.Exists(server) {
			server = old
		}
		if owner := root.Owner(server); owner != "" && b.spec.PromoteID != "" && owner != b.spec.PromoteID {
			return nil, left4me.NewError(left4me.Conflict, "server.renamed_meanwhile", "server", from.Server)
		}
		s, err := b.builder.Written(server)
		if err != nil {
			return nil, err
		}
		defer s.Close()
		if _, _, err := b.staging.From(ctx, 0); err != nil {
			return nil, err
		}
		files, bytes, err := chosen(ctx, s, from.Paths)
		if err != nil {
			return nil, err
		}
		if len(files) == 0 {
			return nil, left4me.NewError(left4me.NotFound, "promote.no_such_files", "server", from.Server)
		}
		if err := disk.Fits(string(b.builder.Files.Root), bytes); err != nil {
			return nil, err
		}
		done, progress := int64(0), b.copyProgress(left4me.StepFetch)
		for _, f := range files {
			if f.Gone {
				b.staging.Remove(f.Path) // the current revision may not contain it
				continue
			}
			if err := b.copyWritten(ctx, s, f, func(n int64) { progress(done+n, bytes) }); err != nil {
				return nil, err
			}
			done += f.Size
		}
		return left4me.Notes{left4me.NewNote("files.count", "count", len(files))}, nil
	})
}

// chosen returns the files at or below the given paths that a server wrote or removed, each once, and
// their total size. Errors: left4me.Invalid with the exceeded limit.
func chosen(ctx context.Context, s *stack.Stack, paths []string) (files []left4me.TreeFile, bytes int64, err error) {
	limits := archive.DefaultLimits
	taken := map[string]bool{}
	add := func(f left4me.TreeFile) error {
		if taken[f.Path] {
			return nil
		}
		taken[f.Path] = true
		files, bytes = append(files, f), bytes+f.Size
		switch {
		case f.Size > limits.File:
			return left4me.NewError(left4me.Invalid, "promote.file_too_large", "path", f.Path, "size", left4me.Bytes(f.Size),
				"limit", left4me.Bytes(limits.File)).InField("promote.paths")
		case bytes > limits.Bytes || len(files) > limits.Entries:
			return left4me.NewError(left4me.Invalid, "promote.too_many_files", "files", limits.Entries, "bytes",
				left4me.Bytes(limits.Bytes)).InField("promote.paths")
		}
		return nil
	}
	in := map[string][]string{} // chosen paths by parent directory
	for _, p := range paths {
		p = path.Clean(p)
		in[parent(p)] = append(in[parent(p)], p)
	}
	for dir, names := range in {
		wanted := map[string]bool{}
		for _, p := range names {
			wanted[p] = true
		}
		err := eachWritten(ctx, s, bus.Filter{Dir: dir}, func(f left4me.TreeFile) error {
			switch {
			case !wanted[f.Path]:
				return nil
			case f.Dir && !f.Gone:
				return eachWritten(ctx, s, bus.Filter{Dir: f.Path, Deep: true}, add)
			}
			return add(f)
		})
		if err != nil {
			return nil, 0, err
		}
	}
	slices.SortFunc(files, func(a, b left4me.TreeFile) int { return cmp.Compare(a.Path, b.Path) })
	return files, bytes, nil
}

// eachWritten calls f for everything that a server wrote, page by page.
func eachWritten(ctx context.Context, s *stack.Stack, filter bus.Filter, f func(left4me.TreeFile) error) error {
	filter.Limit = 1000
	for {
		page, err := s.Written(ctx, filter)
		if err != nil {
			return err
		}
		for _, w := range page.Items {
			if err := f(w); err != nil {
				return err
			}
		}
		if filter.After = page.Next; filter.After == "" {
			return nil
		}
	}
}

// copyWritten copies a file up to the size that was counted, because the server may still be writing to
// it.
func (b *build) copyWritten(ctx context.Context, s *stack.Stack, f left4me.TreeFile, progress func(bytes int64)) error {
	from, _, err := s.File(ctx, f.Path)
	if err != nil {
		return err
	}
	defer from.Close()
	root := b.staging.Root()
	if err := root.MkdirAll(path.Dir(f.Path), 0o755); err != nil {
		return err
	}
	mode := fs.FileMode(0o644)
	if f.Exec {
		mode = 0o755
	}
	to, err := root.OpenFile(f.Path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode)
	if err != nil {
		return err
	}
	_, err = disk.Copy(ctx, to, from, f.Size, progress)
	return errors.Join(err, to.Close())
}

// parent returns the parent directory of a path in a tree whose root is "".
func parent(p string) string {
	if dir := path.Dir(p); dir != "." {
		return dir
	}
	return ""
}
