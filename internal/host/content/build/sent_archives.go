package build

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/left4me/left4me/internal/left4me"
)

// If an archive doesn't specify the encoding of its names, its upload is kept for some time after
// publishing, so that users can select another encoding without uploading again:
//
//	tmp/sent-ID/           the renamed directory upload-ID
//	tmp/sent-ID/sent.json  the overlay and the change it was published with
//
// next.json describes the change of a build in progress. It becomes sent.json once the revision is
// published.
const (
	sentPrefix = "sent-"
	sentFile   = "sent.json"
	nextFile   = "next.json"
)

// sent is the content of sent.json.
type sent struct {
	Overlay left4me.Name   `json:"overlay"`
	Change  left4me.Change `json:"change"`
}

// keptDir returns the directory in which a published upload is kept.
func keptDir(dir string) string {
	return filepath.Join(filepath.Dir(dir), sentPrefix+filepath.Base(dir)[len("upload-"):])
}

// published returns the directory of a kept upload and the change it was published with. Errors:
// left4me.NotFound.
func (u *uploads) published(overlay left4me.Name, id string) (dir string, s sent, err error) {
	up, err := u.dir(id)
	if err != nil {
		return "", s, err
	}
	dir = keptDir(up)
	b, err := os.ReadFile(filepath.Join(dir, sentFile))
	if errors.Is(err, fs.ErrNotExist) {
		return "", s, noUpload(id)
	}
	if err != nil {
		return "", s, err
	}
	if json.Unmarshal(b, &s) != nil || s.Overlay != overlay {
		return "", s, noUpload(id)
	}
	return dir, s, nil
}

// withOtherNames returns a change that decodes the names of a kept upload in another encoding: it
// removes the files that the upload wrote and writes them again. Other changes are returned unchanged.
func (u *uploads) withOtherNames(ctx context.Context, overlay left4me.Name, c left4me.Change, scratch string) (left4me.Change, error) {
	if c.Upload == "" {
		return c, nil
	}
	up, err := u.dir(c.Upload)
	if err != nil {
		return c, err
	}
	if _, err := os.Lstat(up); !errors.Is(err, fs.ErrNotExist) {
		return c, err
	}
	_, s, err := u.published(overlay, c.Upload)
	if err != nil {
		return c, err
	}
	was, err := u.open(ctx, s.Change, scratch, false)
	if err != nil {
		return c, err
	}
	defer was.close()
	_, files, err := u.Repository.Manifest(ctx, overlay, 0)
	if err != nil {
		return c, err
	}
	out := s.Change
	out.Import.Names, out.Import.NamesHint = c.Import.Names, c.Import.NamesHint
	out.Replace, out.Delete, out.Base, out.Once = false, nil, c.Base, false
	for p := range was.Paths {
		if _, ok := files.Get(p); ok {
			out.Delete = append(out.Delete, p)
		}
	}
	return out, nil
}

// noteKept records that an upload must be kept when its build is published.
func (b *build) noteKept(c left4me.Change, names *left4me.PlanNames) error {
	if names == nil || c.Upload == "" {
		return nil
	}
	dir, err := b.builder.uploads.dir(c.Upload)
	if err != nil {
		return err
	}
	if _, err := os.Lstat(dir); errors.Is(err, fs.ErrNotExist) {
		dir = keptDir(dir)
	}
	note, err := json.Marshal(sent{b.spec.Overlay.Name, c})
	if err != nil {
		return err
	}
	b.meta.Archive = &left4me.SentArchive{
		Upload: c.Upload,
		Names:  *names,
		Until:  time.Now().Add(left4me.KeepArchives).UTC().Truncate(time.Second),
	}
	return os.WriteFile(filepath.Join(dir, nextFile), note, 0o600)
}

// keep keeps the upload if noteKept recorded it, and reports whether it did.
func (u *uploads) keep(ctx context.Context, dir string) bool {
	kept := keptDir(dir)
	if _, err := os.Lstat(filepath.Join(dir, nextFile)); err == nil {
		if err := os.Rename(dir, kept); err != nil {
			u.Log.WarnContext(ctx, "keep upload", "dir", dir, "err", err)
			return false
		}
	}
	err := os.Rename(filepath.Join(kept, nextFile), filepath.Join(kept, sentFile))
	if err == nil {
		now := time.Now()
		err = os.Chtimes(filepath.Join(kept, sentFile), now, now)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		u.Log.WarnContext(ctx, "keep upload", "dir", dir, "err", err)
	}
	return err == nil
}
