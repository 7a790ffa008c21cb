// Package backups lists backups, schedules them, and adds the jobs that create and verify them.
//
// It decides when a backup is made and what it contains; the host packs the files and stores the
// archives. Copying the database is this package's part: the host requests the copy while its job
// runs, so that a job repeated after a crash gets a copy as recent as its files.
package backups

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"log/slog"
	"path"
	"path/filepath"
	"sync"
	"time"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/control/jobs"
	"github.com/left4me/left4me/internal/disk"
	"github.com/left4me/left4me/internal/hostfs"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/store"
)

const snapshotWithin = 5 * time.Minute

// Backups manages backups. It is safe for concurrent use.
type Backups struct {
	storage *store.Store
	jobs    *jobs.Jobs
	bus     *bus.Bus
	host    Host
	log     *slog.Logger
	changed chan struct{} // signals a changed policy
	now     func() time.Time
	deleted store.Bell
	running sync.WaitGroup // goroutines started by Run
	opened  opened
	ready   chan struct{}
}

// Host describes the host that creates and stores backups. It runs on the database's machine,
// because it reads the copy of the database from a local path.
type Host struct {
	Name  left4me.Name
	Files hostfs.FS
	Root  string // path of Files on the disk
}

// New returns the Backups of host. Run must run for database copies and for the schedule.
func New(storage *store.Store, list *jobs.Jobs, b *bus.Bus, host Host, log *slog.Logger) *Backups {
	v := &Backups{
		storage: storage, jobs: list, host: host, log: log, changed: make(chan struct{}, 1), now: time.Now,
		ready: make(chan struct{}),
	}
	v.bus = b.Under(&v.running)
	list.OnRetry(left4me.CreateBackup.Noun(), v.retry)
	return v
}

// Run copies the database on a host's request and adds scheduled backups until ctx ends.
func (b *Backups) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer b.running.Wait()
	defer cancel()
	if err := b.bus.Answer(ctx, bus.Ask(b.host.Name, bus.VerbSnapshot), b.snapshot); err != nil {
		return err
	}
	close(b.ready)
	b.keepSchedule(ctx)
	return nil
}

// Ready is closed once Run answers requests from hosts.
func (b *Backups) Ready() <-chan struct{} { return b.ready }

// snapshot copies the database for a running backup job. It picks the file name itself, so that a
// host cannot choose where the copy is written.
func (b *Backups) snapshot(ctx context.Context, _ string, data []byte) (any, error) {
	var r bus.SnapshotRequest
	if err := bus.Decode(data, &r); err != nil {
		return nil, err
	}
	j, err := b.storage.Jobs().Get(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	if j.Kind != left4me.CreateBackup || j.State != left4me.JobRunning {
		return nil, left4me.NewError(left4me.Conflict, "backup.other_job", "job", j.ID)
	}
	file, err := b.copyDatabase(ctx, j.ID)
	if err != nil {
		// The error is shown with the job; its id leads users to the log entry.
		return nil, left4me.Shown(disk.Explain(fmt.Errorf("job=%s: %w", j.ID, err)),
			left4me.NewError(left4me.Unavailable, "internal.job", "job", j.ID))
	}
	return bus.SnapshotAnswer{V: bus.Version, Path: file, Schema: store.Schema()}, nil
}

func (b *Backups) copyDatabase(ctx context.Context, id left4me.JobID) (file string, err error) {
	ctx, cancel := context.WithTimeout(ctx, snapshotWithin)
	defer cancel()
	if err := b.host.Files.MakeDir(ctx, "tmp"); err != nil {
		return "", err
	}
	file = filepath.Join(b.host.Root, "tmp", "backup-"+string(id)+".db")
	return file, b.storage.Snapshot(ctx, file, b.now())
}

// Watch yields a value whenever a backup was deleted or the policy changed, until ctx ends. Created
// backups are reported by jobs.Jobs instead. The sequence may be ranged over only once.
func (b *Backups) Watch(ctx context.Context) iter.Seq[struct{}] {
	return store.Rings(ctx, b.deleted.Listen(ctx), b.storage.Listen(ctx, "backup_policy"))
}

// List returns the backups stored on the host, newest first.
func (b *Backups) List(ctx context.Context) ([]left4me.Backup, error) {
	var all []left4me.Backup
	err := b.bus.Request(ctx, bus.Command(b.host.Name, bus.VerbBackups), bus.Empty{V: bus.Version}, &all)
	return all, err
}

// Get returns one backup. Errors: left4me.NotFound.
func (b *Backups) Get(ctx context.Context, n left4me.Name) (left4me.Backup, error) {
	all, err := b.List(ctx)
	if err != nil {
		return left4me.Backup{}, err
	}
	for _, v := range all {
		if v.Name == n {
			return v, nil
		}
	}
	return left4me.Backup{}, left4me.NewError(left4me.NotFound, "backup.unknown", "backup", n)
}

// Active returns the queued and running backup jobs, oldest first.
func (b *Backups) Active(ctx context.Context) ([]left4me.Job, error) {
	rows, err := b.storage.Jobs().Active(ctx)
	if err != nil {
		return nil, err
	}
	var all []left4me.Job
	for _, r := range rows {
		if r.Kind.Noun() == left4me.CreateBackup.Noun() {
			all = append(all, r.Job)
		}
	}
	return all, nil
}

// Create adds a backup job, or returns the one that is already active.
func (b *Backups) Create(ctx context.Context, by left4me.Actor) (left4me.Job, error) {
	return b.create(ctx, by, left4me.BackupSpec{})
}

func (b *Backups) create(ctx context.Context, by left4me.Actor, spec left4me.BackupSpec) (left4me.Job, error) {
	spec.Name = left4me.BackupName(b.now())
	return b.jobs.Add(ctx, by, left4me.CreateBackup, b.host.Name, b.host.Name, spec)
}

// Verify adds a job that reads a backup from beginning to end. Errors: left4me.NotFound.
func (b *Backups) Verify(ctx context.Context, by left4me.Actor, n left4me.Name) (left4me.Job, error) {
	if _, err := b.Get(ctx, n); err != nil {
		return left4me.Job{}, err
	}
	return b.jobs.Add(ctx, by, left4me.VerifyBackup, n, b.host.Name, left4me.BackupSpec{Name: n})
}

// retry repeats a backup job.
func (b *Backups) retry(ctx context.Context, by left4me.Actor, v store.QueuedJob) (left4me.Job, error) {
	if v.Kind == left4me.VerifyBackup {
		return b.Verify(ctx, by, v.Target)
	}
	var spec left4me.BackupSpec
	if err := json.Unmarshal(v.Spec, &spec); err != nil {
		return left4me.Job{}, fmt.Errorf("retry job %s: %w", v.ID, err)
	}
	if spec.Server != nil {
		return b.readServer(ctx, by, spec)
	}
	return b.create(ctx, by, spec)
}

// Dir returns the host's directory of archives.
func (b *Backups) Dir() string { return filepath.Join(b.host.Root, "backups") }

// Delete deletes a backup. Errors: left4me.NotFound.
func (b *Backups) Delete(ctx context.Context, by left4me.Actor, n left4me.Name) error {
	if _, err := b.Get(ctx, n); err != nil {
		return err
	}
	err := b.bus.Request(ctx, bus.Command(b.host.Name, bus.VerbDropBackup), bus.BackupRequest{V: bus.Version, Name: n}, nil)
	if err == nil {
		b.deleted.Ring()
		b.log.InfoContext(ctx, "backup deleted", "backup", n, "by", by.String())
	}
	return err
}

// Open opens the archive of a backup for download. Errors: left4me.NotFound.
func (b *Backups) Open(ctx context.Context, n left4me.Name) (hostfs.Reader, left4me.Backup, error) {
	v, err := b.Get(ctx, n)
	if err != nil {
		return nil, v, err
	}
	f, err := b.host.Files.Open(ctx, path.Join("backups", FileName(n)))
	return f, v, err
}

// FileName returns the file name of a backup's archive.
func FileName(n left4me.Name) string { return string(n) + ".tar.zst" }
