package build

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/host/content/archive"
	"github.com/left4me/left4me/internal/host/content/overlays"
	"github.com/left4me/left4me/internal/left4me"
)

// uploads reads the files that users uploaded for builds.
type uploads struct {
	Options
	checks *checks
}

// uploaded is the content of an upload. Found is nil if the change only removes files.
type uploaded struct {
	*archive.Found
	dir *os.Root
}

func (u uploaded) close() {
	if u.Found != nil {
		u.Close()
		u.dir.Close()
	}
}

// open reads the upload of a change. Set plan if Texts will be called on the result. Errors:
// left4me.NotFound; left4me.Invalid with the reason.
func (u *uploads) open(ctx context.Context, c left4me.Change, scratch string, plan bool) (uploaded, error) {
	if c.Upload == "" {
		return uploaded{}, nil
	}
	dir, err := u.dir(c.Upload)
	if err != nil {
		return uploaded{}, err
	}
	parts, err := os.ReadDir(filepath.Join(dir, "parts"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return uploaded{}, err
	}
	if len(parts) > 0 {
		return uploaded{}, left4me.NewError(left4me.Invalid, "upload.files_incomplete").InField("change.upload")
	}
	root, err := os.OpenRoot(filepath.Join(dir, "files"))
	if errors.Is(err, fs.ErrNotExist) {
		root, err = os.OpenRoot(filepath.Join(keptDir(dir), "files"))
	}
	if errors.Is(err, fs.ErrNotExist) {
		return uploaded{}, noUpload(c.Upload)
	}
	if err != nil {
		return uploaded{}, err
	}
	found, err := archive.Open(ctx, root, archive.Options{Import: c.Import, Scratch: scratch, Decoder: u.Decoder, Plan: plan})
	if err != nil {
		root.Close()
		return uploaded{}, err
	}
	return uploaded{Found: found, dir: root}, nil
}

func noUpload(id string) error {
	return left4me.NewError(left4me.NotFound, "upload.gone", "upload", id).InField("change.upload")
}

// dir returns the directory in which the panel stores an upload.
func (u *uploads) dir(id string) (string, error) {
	for _, c := range []byte(id) {
		if (c < '2' || c > '7') && (c < 'a' || c > 'z') {
			return "", noUpload("…")
		}
	}
	if len(id) < 16 || len(id) > 64 {
		return "", noUpload("…")
	}
	return filepath.Join(string(u.Files.Root), "tmp", "upload-"+id), nil
}

// drop removes the upload of a build that was published or changed nothing. If that fails, the regular
// cleanup of old uploads removes it.
func (u *uploads) drop(ctx context.Context, spec left4me.BuildSpec) {
	if spec.Change == nil || spec.Change.Upload == "" {
		return
	}
	id := spec.Change.Upload
	dir, err := u.dir(id)
	if err != nil {
		return
	}
	trash := filepath.Join(filepath.Dir(dir), "gone-"+filepath.Base(dir))
	err = os.Rename(dir, trash)
	if err == nil {
		err = os.RemoveAll(trash)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		u.Log.WarnContext(ctx, "remove upload", "upload", id, "err", err)
	}
}

// checkBase checks that no path of the change was modified by others since the base revision. It
// returns the number and files of the current revision; 0 if there is none. Errors: left4me.Conflict
// with the path and the revision; left4me.NotFound with a path that can't be removed.
func (u *uploads) checkBase(ctx context.Context, n left4me.Name, c left4me.Change, found uploaded) (int, overlays.Manifest, error) {
	number, now, err := u.Repository.Manifest(ctx, n, 0)
	if err != nil && !errors.Is(err, left4me.NotFound) {
		return 0, nil, err
	}
	if c.Base != 0 && c.Base != number {
		var then overlays.Manifest // empty for NoRevision
		var err error
		if c.Base > 0 {
			_, then, err = u.Repository.Manifest(ctx, n, c.Base)
		}
		if errors.Is(err, left4me.NotFound) {
			return 0, nil, left4me.NewError(left4me.Conflict, "change.base_gone", "revision", c.Base)
		}
		if err != nil {
			return 0, nil, err
		}
		if p, ok := touched(c, found, then, now); ok {
			return 0, nil, left4me.NewError(left4me.Conflict, "change.file_changed", "path", p, "revision",
				u.changedBy(ctx, n, p, max(c.Base, 0), number)).InField("change.base")
		}
	}
	for _, p := range c.Delete {
		if _, file := now.Get(p); !file && len(now.Beneath(p)) == 0 {
			return 0, nil, left4me.NewError(left4me.NotFound, "change.no_such_file", "path", p, "overlay", n).InField("change.delete")
		}
	}
	return number, now, nil
}

// touched returns the first path of a change that differs between two revisions.
func touched(c left4me.Change, found uploaded, then, now overlays.Manifest) (string, bool) {
	differs := func(p string) bool {
		was, before := then.Get(p)
		is, after := now.Get(p)
		return before != after || was.Hash != is.Hash || was.Exec != is.Exec || was.Dir != is.Dir
	}
	beneath := func(dir string) (string, bool) {
		for _, m := range []overlays.Manifest{now.Beneath(dir), then.Beneath(dir)} {
			for _, e := range m {
				if differs(e.Path) {
					return e.Path, true
				}
			}
		}
		return "", false
	}
	if c.Replace { // a replacement touches all files
		return beneath("")
	}
	for _, p := range c.Delete {
		if differs(p) {
			return p, true
		}
		if inside, ok := beneath(p); ok {
			return inside, true
		}
	}
	if found.Found != nil {
		for p := range found.Paths {
			if differs(p) {
				return p, true
			}
		}
	}
	return "", false
}

// changedBy returns the last revision, at most to, that changed a path.
func (u *uploads) changedBy(ctx context.Context, n left4me.Name, p string, from, to int) int {
	_, now, err := u.Repository.Manifest(ctx, n, to)
	if err != nil {
		return to
	}
	is, there := now.Get(p)
	for to > from+1 {
		_, m, err := u.Repository.Manifest(ctx, n, to-1)
		if err != nil { // if an older revision was removed, the change can't be attributed to it
			return to
		}
		if was, before := m.Get(p); before != there || was != is {
			return to
		}
		to--
	}
	return to
}

// PlanUpload returns what a change would do. Errors in the change itself are part of the plan and not
// returned as an error.
func (r *Builder) PlanUpload(ctx context.Context, request bus.PlanRequest) (left4me.Plan, error) {
	return r.uploads.plan(ctx, request)
}

// plan returns what a change would do.
func (u *uploads) plan(ctx context.Context, r bus.PlanRequest) (left4me.Plan, error) {
	if !r.Overlay.Valid() {
		return left4me.Plan{}, left4me.NewError(left4me.Invalid, "request.names_no_overlay")
	}
	scratch := filepath.Join(string(u.Files.Root), "tmp")
	changed, err := u.withOtherNames(ctx, r.Overlay, r.Change, scratch)
	if err != nil {
		return problem(left4me.Plan{}, err)
	}
	r.Change = changed
	found, err := u.open(ctx, r.Change, scratch, true)
	if err != nil {
		return problem(left4me.Plan{}, err)
	}
	defer found.close()
	var plan left4me.Plan
	if found.Found != nil {
		if err := found.Texts(ctx); err != nil {
			return problem(found.Plan(), err)
		}
		plan = found.Plan()
		plan.Title = title(found.dir.FS(), r.Change.Import.NamesHint)
	}
	_, now, err := u.checkBase(ctx, r.Overlay, r.Change, found)
	if err != nil {
		return problem(plan, err)
	}
	if found.Found != nil {
		if err := u.check(ctx, r.Change, found, now, &plan); err != nil {
			return problem(plan, err)
		}
	}
	for i := range plan.Files {
		_, plan.Files[i].Over = now.Get(plan.Files[i].Path)
	}
	return plan, nil
}

// problem adds an error in the request itself to the plan.
func problem(plan left4me.Plan, err error) (left4me.Plan, error) {
	e, ok := left4me.Public(err)
	if !ok || e.Kind == left4me.Unavailable || strings.HasSuffix(e.Field, "upload") && e.Kind == left4me.NotFound {
		return plan, err
	}
	var nothing *archive.NothingUsableError
	if errors.As(err, &nothing) {
		plan = nothing.Plan
	}
	plan.Problem = e
	return plan, nil
}
