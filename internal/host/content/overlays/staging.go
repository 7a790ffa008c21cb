package overlays

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/disk"
	"github.com/left4me/left4me/internal/left4me"
)

// Staging is an unpublished revision. A builder writes or links files into Dir. After From, the
// revision is based on another one: Remove leaves out files of it, and files in Dir replace them. A
// Staging is not safe for concurrent use.
type Staging struct {
	repo    *Repository
	overlay left4me.Name
	job     left4me.JobID
	work    string // ROOT/tmp/overlay-<job>
	root    *os.Root
	base    int // base revision, or 0
	from    Manifest
	leftOut map[string]bool
	sealed  *sealed
}

// Stage starts a revision of an overlay and removes the remains of an earlier attempt of the job.
// The caller must close the Staging.
func (s *Repository) Stage(ctx context.Context, overlay left4me.Name, job left4me.JobID) (*Staging, error) {
	if !overlay.Valid() || !validJob(job) {
		return nil, left4me.NewError(left4me.Invalid, "job.names_no_overlay", "job", job)
	}
	s.active.set(job, true) // first, so that a concurrent sweep keeps the job's files
	st, err := s.stage(ctx, overlay, job)
	if err != nil {
		s.active.set(job, false)
		return nil, fmt.Errorf("stage %s: %w", overlay, s.layout.diskFull(err, 0))
	}
	return st, nil
}

func (s *Repository) stage(ctx context.Context, overlay left4me.Name, job left4me.JobID) (*Staging, error) {
	work := filepath.Join(s.layout.root, "tmp", "overlay-"+string(job))
	for _, old := range []string{work, s.layout.private(job)} {
		if err := os.RemoveAll(old); err != nil {
			return nil, err
		}
	}
	if err := errors.Join(ctx.Err(), os.MkdirAll(filepath.Join(s.layout.root, "tmp"), 0o751)); err != nil {
		return nil, err
	}
	if err := s.layout.room(0); err != nil {
		return nil, err
	}
	for _, d := range []string{work, filepath.Join(work, "new"), filepath.Join(work, "scratch")} {
		if err := os.Mkdir(d, 0o751); err != nil {
			return nil, err
		}
	}
	root, err := os.OpenRoot(filepath.Join(work, "new"))
	if err != nil {
		return nil, err
	}
	return &Staging{repo: s, overlay: overlay, job: job, work: work, root: root, leftOut: map[string]bool{}}, nil
}

// validJob reports whether a job id is safe in file names.
func validJob(id left4me.JobID) bool {
	for _, c := range []byte(id) {
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && c != '-' && c != '_' {
			return false
		}
	}
	return id != "" && len(id) <= 64
}

// Dir returns the directory for the files of the revision, left4dead2/... Callers must create new
// files there and never modify linked ones.
func (st *Staging) Dir() string { return filepath.Join(st.work, "new") }

// Root returns Dir for untrusted file names.
func (st *Staging) Root() *os.Root { return st.root }

// Scratch returns a directory for temporary files of the builder. Close removes it.
func (st *Staging) Scratch() string { return filepath.Join(st.work, "scratch") }

// Link links an immutable file, such as a download in workshop_cache, to path p of the revision,
// and creates missing directories. It copies a file that is on another file system or has too many
// links.
func (st *Staging) Link(ctx context.Context, p, file string) error {
	if err := st.root.MkdirAll(path.Dir(p), 0o755); err != nil {
		return err
	}
	dir, err := st.root.Open(path.Dir(p))
	if err != nil {
		return err
	}
	defer dir.Close()
	err = unix.Linkat(unix.AT_FDCWD, file, int(dir.Fd()), path.Base(p), 0)
	if errors.Is(err, unix.EXDEV) || errors.Is(err, unix.EMLINK) {
		return copyInto(ctx, st.root, p, file)
	}
	if err != nil {
		return &os.LinkError{Op: "link", Old: file, New: p, Err: err}
	}
	return nil
}

func copyInto(ctx context.Context, root *os.Root, p, file string) error {
	from, err := os.Open(file)
	if err != nil {
		return err
	}
	defer from.Close()
	info, err := from.Stat()
	if err != nil {
		return err
	}
	to, err := root.OpenFile(p, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = disk.Copy(ctx, to, from, info.Size(), nil)
	return errors.Join(err, to.Close())
}

// From bases the revision on another one; 0 means the current one, if any. Its files don't appear
// in Dir, but files in Dir replace them. From returns the number and the files of the base
// revision. Errors: left4me.NotFound.
func (st *Staging) From(ctx context.Context, revision int) (int, Manifest, error) {
	number, m, err := st.repo.manifests.get(ctx, st.overlay, revision)
	if revision == 0 && errors.Is(err, left4me.NotFound) {
		return 0, nil, nil
	}
	if err != nil {
		return 0, nil, err
	}
	st.base, st.from = number, m
	return number, m, nil
}

// Remove leaves out a file or directory of the base revision and reports whether it exists there.
// It doesn't affect files in Dir.
func (st *Staging) Remove(p string) bool {
	_, file := st.from.Get(p)
	if !file && len(st.from.Beneath(p)) == 0 {
		return false
	}
	st.leftOut[p] = true
	return true
}

// removed reports whether a path or one of its parents was left out.
func (st *Staging) removed(p string) bool {
	if len(st.leftOut) == 0 {
		return false
	}
	for ; p != "."; p = path.Dir(p) {
		if st.leftOut[p] {
			return true
		}
	}
	return false
}

// Close deletes everything that was not published.
func (st *Staging) Close() error {
	err := errors.Join(st.root.Close(), os.RemoveAll(st.work), os.RemoveAll(st.repo.layout.private(st.job)))
	st.repo.active.set(st.job, false)
	return err
}

// activeJobs contains the jobs that are building. A sweep must not remove their files.
type activeJobs struct {
	mu  sync.Mutex
	ids map[left4me.JobID]bool
}

func (a *activeJobs) set(job left4me.JobID, active bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if active {
		a.ids[job] = true
	} else {
		delete(a.ids, job)
	}
}

func (a *activeJobs) has(id left4me.JobID) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.ids[id]
}
