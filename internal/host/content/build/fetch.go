package build

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/left4me/left4me/internal/bytesize"
	"github.com/left4me/left4me/internal/host/content/archive"
	"github.com/left4me/left4me/internal/host/content/download"
	"github.com/left4me/left4me/internal/host/content/git"
	"github.com/left4me/left4me/internal/host/content/overlays"
	"github.com/left4me/left4me/internal/host/content/release"
	"github.com/left4me/left4me/internal/left4me"
)

// fetched are the steps of sources that download and unpack archives.
var fetched = []string{left4me.StepFetch, left4me.StepUnpack}

// buildGit builds an overlay from a commit of a Git repository.
func buildGit(ctx context.Context, b *build) error {
	g := b.spec.Overlay.Git
	if g == nil {
		return left4me.NewError(left4me.Invalid, "overlay.no_repository", "overlay", b.spec.Overlay.Name)
	}
	in, err := b.importDir()
	if err != nil {
		return err
	}
	same := false
	err = b.p.Step(ctx, left4me.StepFetch, func(ctx context.Context) (left4me.Notes, error) {
		r, err := git.Open(g.URL, b.staging.Scratch(), b.builder.Downloads, b.progress(left4me.StepFetch))
		if err != nil {
			return nil, err
		}
		commit, err := r.Find(ctx, g.Ref)
		if err != nil {
			return nil, err
		}
		b.meta.Origin = commit
		if dir := strings.Trim(path.Clean("/"+g.Subdir), "/"); dir != "" {
			b.meta.Origin += ":" + dir
		}
		if same, err = b.unchanged(ctx, g.Keep); err != nil || same {
			return left4me.Notes{left4me.NewNote("source.commit_unchanged", "commit", commit)}, err
		}
		name := strings.TrimSuffix(path.Base(strings.TrimRight(g.URL, "/")), ".git")
		return left4me.Notes{left4me.NewNote("source.commit", "commit", commit)}, r.Archive(ctx, commit, g.Subdir,
			filepath.Join(in, name+".tar"))
	})
	if err != nil {
		return err
	}
	return b.unpack(ctx, in, left4me.Import{Moves: b.spec.Overlay.Moves}, g.Keep, same)
}

// buildRelease builds an overlay from the assets of a GitHub release.
func buildRelease(ctx context.Context, b *build) error {
	want := b.spec.Overlay.Release
	if want == nil {
		return left4me.NewError(left4me.Invalid, "overlay.no_release", "overlay", b.spec.Overlay.Name)
	}
	in, err := b.importDir()
	if err != nil {
		return err
	}
	same := false
	err = b.p.Step(ctx, left4me.StepFetch, func(ctx context.Context) (left4me.Notes, error) {
		r, err := release.Find(ctx, cmp.Or(b.builder.GitHub, release.API), b.builder.Downloads, *want)
		if err != nil {
			return nil, err
		}
		origin, sure := r.Origin()
		b.meta.Origin = origin
		if dir := strings.Trim(path.Clean("/"+want.Subdir), "/"); dir != "" {
			b.meta.Origin += ":" + dir
		}
		if sure {
			if same, err = b.unchanged(ctx, want.Keep); err != nil || same {
				return left4me.Notes{left4me.NewNote("source.release_unchanged", "tag", r.Tag)}, err
			}
		}
		var done int64
		progress := b.progress(left4me.StepFetch)
		total := r.Bytes()
		for _, a := range r.Assets {
			_, err := b.builder.Downloads.Fetch(ctx, download.Request{
				URL: a.URL, File: filepath.Join(in, a.Name), Size: a.Size, Sum: a.Sum,
				Progress: func(p left4me.Progress) {
					progress(left4me.Progress{Done: done + p.Done, Total: total, Unit: p.Unit, Rate: p.Rate})
				},
			})
			if err != nil {
				return nil, err
			}
			done += a.Size
			b.p.Print(fmt.Sprintf("downloaded %s of %s, %s", a.Name, r.Tag, bytesize.Short(a.Size)))
		}
		return left4me.Notes{left4me.NewNote("source.release", "tag", r.Tag)}, nil
	})
	if err != nil {
		return err
	}
	return b.unpack(ctx, in, left4me.Import{Moves: b.spec.Overlay.Moves, Subdir: want.Subdir}, want.Keep, same)
}

// importDir creates an empty directory for the archives to unpack.
func (b *build) importDir() (string, error) {
	dir := filepath.Join(b.staging.Scratch(), "import")
	return dir, os.Mkdir(dir, 0o700)
}

// unchanged reports whether the current revision has the same origin. With keep patterns the answer is
// always false, because the patterns may have changed.
func (b *build) unchanged(ctx context.Context, keep []string) (bool, error) {
	c, err := b.builder.Repository.Get(ctx, b.spec.Overlay.Name, 0, overlays.Used{})
	if errors.Is(err, left4me.NotFound) || len(keep) > 0 {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(c.Revisions,
		func(r left4me.Revision) bool { return r.Number == c.Current && r.Origin == b.meta.Origin }), nil
}

// unpack stages the fetched archives, or the current revision if the origin is the same.
func (b *build) unpack(ctx context.Context, in string, how left4me.Import, keep []string, same bool) error {
	return b.p.Step(ctx, left4me.StepUnpack, func(ctx context.Context) (left4me.Notes, error) {
		if same {
			_, _, err := b.staging.From(ctx, 0)
			return left4me.Notes{left4me.NewNote("source.nothing_new")}, err
		}
		root, err := os.OpenRoot(in)
		if err != nil {
			return nil, err
		}
		defer root.Close()
		how.NamesHint = b.spec.NamesHint
		found, err := archive.Open(ctx, root, archive.Options{Import: how, Scratch: b.staging.Scratch(), Decoder: b.builder.Decoder})
		if err != nil {
			return nil, err
		}
		defer found.Close()
		notes, err := b.write(ctx, found)
		if err != nil {
			return nil, err
		}
		kept, err := b.keep(ctx, keep)
		if kept > 0 {
			notes = append(notes, left4me.NewNote("files.kept", "count", kept))
		}
		return notes, err
	})
}

// write stages the files of the archives and returns a summary.
func (b *build) write(ctx context.Context, found *archive.Found) (notes left4me.Notes, err error) {
	plan := found.Plan()
	b.meta.Warnings = append(b.meta.Warnings, plan.Warnings...)
	progress := b.progress(left4me.StepUnpack)
	var reported int64
	err = found.Write(ctx, b.staging.Root(), func(n int64) {
		if n-reported >= 8<<20 || n == plan.Bytes {
			reported = n
			progress(left4me.Progress{Done: n, Total: max(plan.Bytes, n), Unit: "bytes"})
		}
	})
	if err != nil {
		return nil, err
	}
	for _, q := range plan.Asks {
		b.meta.Warnings = append(b.meta.Warnings, unclear(q))
	}
	notes = left4me.Notes{left4me.NewNote("files.count", "count", plan.Count)}
	left := 0
	for _, l := range plan.Left {
		left += l.Count
	}
	if left > 0 {
		notes = append(notes, left4me.NewNote("files.excluded", "count", left))
		for _, l := range plan.Left {
			b.p.Print(fmt.Sprintf("excluded %d: %s", l.Count, l.Why))
		}
		for _, s := range plan.Skipped {
			b.p.Print("skipped " + s)
		}
	}
	return notes, nil
}

// unclear returns a warning about a question that no user answered.
func unclear(q left4me.PlanAsk) left4me.Warning {
	var chosen, others any
	var places []string
	for i, c := range q.Choices {
		if i == 0 {
			chosen = c.Text
			continue
		}
		places = append(places, c.Text)
	}
	if len(places) > 0 {
		others = strings.Join(places, ", ")
	}
	return left4me.NewWarning(left4me.WarnPlace, "", "place.unclear", "number", q.Count,
		"file", strings.Join(q.Files[:min(len(q.Files), 1)], ""), "question", q.Text, "chosen", chosen, "others", others)
}

// keep preserves files of the current revision that match one of the patterns, or are in a directory
// that does.
func (b *build) keep(ctx context.Context, patterns []string) (kept int, err error) {
	if len(patterns) == 0 {
		return 0, nil
	}
	_, files, err := b.staging.From(ctx, 0)
	if err != nil {
		return 0, err
	}
	into, above := b.staging.Root(), map[string]bool{}
	for _, f := range files {
		if f.Dir || !keeps(patterns, f.Path) {
			continue
		}
		kept++
		for dir := path.Dir(f.Path); dir != "." && !above[dir]; dir = path.Dir(dir) {
			above[dir] = true
		}
		if err := into.RemoveAll(f.Path); err != nil {
			return kept, err
		}
	}
	for _, f := range files {
		if f.Dir && !above[f.Path] || !f.Dir && !keeps(patterns, f.Path) {
			b.staging.Remove(f.Path)
		}
	}
	return kept, nil
}

// keeps reports whether a pattern matches a path of a layer or one of its parent directories. Patterns
// may omit the leading left4dead2.
func keeps(patterns []string, p string) bool {
	for at := p; at != "."; at = path.Dir(at) {
		for _, pattern := range patterns {
			pattern = strings.Trim(pattern, "/")
			for _, full := range []string{pattern, "left4dead2/" + pattern} {
				if ok, _ := path.Match(full, at); ok {
					return true
				}
			}
		}
	}
	return false
}
