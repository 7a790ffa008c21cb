package build

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/gametext"
	"github.com/left4me/left4me/internal/host/content/overlays"
	"github.com/left4me/left4me/internal/left4me"
)

// everyFix are the repairs that users can request. A build always applies the first one, because it
// changes no character.
var everyFix = []gametext.Fix{gametext.Encoding, gametext.Characters, gametext.Identities}

// asIs reports whether the texts of a build stay unchanged.
func asIs(spec left4me.BuildSpec) bool {
	return spec.Overlay.Texts == left4me.TextsAsIs || spec.Change != nil && spec.Change.Import.Texts == left4me.TextsAsIs
}

// plainTexts converts staged texts from UTF-16, and texts with a byte order mark, to plain UTF-8. It
// records them in the log and in the note of the revision, and returns their number.
func (b *build) plainTexts(ctx context.Context) (int, error) {
	if asIs(b.spec) {
		return 0, nil
	}
	root := b.staging.Root()
	var saved []string
	err := fs.WalkDir(root.FS(), ".", func(p string, d fs.DirEntry, err error) error {
		if err = errors.Join(err, ctx.Err()); err != nil {
			return err
		}
		reader := gametext.ReaderOf(p)
		if reader == gametext.Unread || !d.Type().IsRegular() {
			return nil
		}
		text, mode, err := stagedText(root, p)
		if err != nil || text == nil {
			return err
		}
		plain, done := gametext.Repair(reader, text, gametext.Encoding)
		if len(done) == 0 {
			return nil
		}
		if err := replace(root, p, plain, mode); err != nil {
			return err
		}
		b.p.Print(fmt.Sprintf("saved %s as UTF-8 without a byte order mark: %s", p, done[0]))
		saved = append(saved, p)
		return nil
	})
	b.noteTexts("saved as UTF-8", saved)
	return len(saved), err
}

// stagedText reads a staged file that may be a text; nil if it is too long. The file may come from an
// untrusted source.
func stagedText(root *os.Root, p string) ([]byte, fs.FileMode, error) {
	f, err := root.OpenFile(p, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, 0, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil || !st.Mode().IsRegular() || st.Size() > gametext.MaxText {
		return nil, 0, err
	}
	b, err := io.ReadAll(io.LimitReader(f, gametext.MaxText))
	return b, st.Mode().Perm(), err
}

// replace replaces a staged file by a new one, because the old one may be hard-linked elsewhere.
func replace(root *os.Root, p string, b []byte, mode fs.FileMode) error {
	fresh := path.Join(path.Dir(p), ".left4me-text")
	if err := root.Remove(fresh); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := root.OpenFile(fresh, os.O_WRONLY|os.O_CREATE|os.O_EXCL|unix.O_NOFOLLOW, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err = errors.Join(err, f.Close()); err == nil {
		err = root.Rename(fresh, p)
	}
	return err
}

// maxNoted is the maximum number of file names in the note of a revision.
const maxNoted = 5

// noteTexts appends a description of changed texts to the note of the revision.
func (b *build) noteTexts(what string, files []string) {
	if len(files) == 0 {
		return
	}
	names := make([]string, 0, maxNoted)
	for _, f := range files[:min(len(files), maxNoted)] {
		names = append(names, path.Base(f))
	}
	note := what + ": " + strings.Join(names, ", ")
	if more := len(files) - maxNoted; more > 0 {
		note += fmt.Sprintf(" and %d more", more)
	}
	if b.meta.Note != "" {
		note = b.meta.Note + "; " + note
	}
	b.meta.Note = note
}

// repairTexts builds a revision from the current one with repaired texts: those named in the change,
// and all in named directories.
func repairTexts(ctx context.Context, b *build) error {
	return b.p.Step(ctx, left4me.StepRepairTexts, func(ctx context.Context) (left4me.Notes, error) {
		number, files, err := b.staging.From(ctx, 0)
		if err != nil {
			return nil, err
		}
		if err := b.likeCurrent(ctx); err != nil {
			return nil, err
		}
		var repaired []string
		for _, e := range files {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			reader := gametext.ReaderOf(e.Path)
			if e.Dir || e.Odd || reader == gametext.Unread || e.Size > gametext.MaxText || !named(b.spec.Change.Repair, e.Path) {
				continue
			}
			f, err := b.builder.Repository.File(bus.FileRequest{
				V:        bus.Version,
				Overlay:  b.spec.Overlay.Name,
				Revision: number,
				Path:     e.Path,
			})
			if err != nil {
				return nil, err
			}
			text, done := gametext.Repair(reader, f.Data, everyFix...)
			if len(done) == 0 {
				continue
			}
			if err := b.stage(e, text); err != nil {
				return nil, err
			}
			for _, d := range done {
				b.p.Print(fmt.Sprintf("repaired %s: %s", e.Path, d))
			}
			repaired = append(repaired, e.Path)
		}
		b.noteTexts("repaired", repaired)
		return left4me.Notes{left4me.NewNote("files.count", "count", len(repaired))}, nil
	})
}

// named reports whether a path is in paths or below one of them.
func named(paths []string, p string) bool {
	return slices.ContainsFunc(paths, func(dir string) bool { return dir == "." || p == dir || strings.HasPrefix(p, dir+"/") })
}

// stage replaces the text of an entry from the base revision.
func (b *build) stage(e overlays.Entry, text []byte) error {
	root := b.staging.Root()
	if err := root.MkdirAll(path.Dir(e.Path), 0o755); err != nil {
		return err
	}
	mode := fs.FileMode(0o644)
	if e.Exec {
		mode = 0o755
	}
	return replace(root, e.Path, text, mode)
}

// likeCurrent copies origin and items from the current revision.
func (b *build) likeCurrent(ctx context.Context) error {
	c, err := b.builder.Repository.Get(ctx, b.spec.Overlay.Name, 0, overlays.Used{})
	if errors.Is(err, left4me.NotFound) {
		return nil
	}
	for _, r := range c.Revisions {
		if r.Number == c.Current {
			b.meta.Origin, b.meta.Items = r.Origin, r.Items
		}
	}
	return err
}
