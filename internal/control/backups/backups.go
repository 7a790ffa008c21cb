// Package backups is the side of backups that people talk to: which there are,
// when they are made, and the jobs that make and check them.
//
// It decides when and what; the host packs the files and keeps the archives. The
// database is this side's: the host asks for a copy when its job is under way, so
// that what is begun again after a crash has one that is as new as its files.
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

// Backups is the list of backups. It is safe for concurrent use.
type Backups struct {
	storage *store.Store
	jobs    *jobs.Jobs
	bus     *bus.Bus
	host    Host
	log     *slog.Logger
	changed chan struct{} // the policy is another
	now     func() time.Time
	deleted store.Bell
	running sync.WaitGroup // what Run began
	ready   chan struct{}
}

// Host makes and keeps backups. It is the one on the machine of the database: it packs
// the copy of the database that it is told the path of.
type Host struct {
	Name  left4me.Name
	Files hostfs.FS
	Root  string // where Files begin on the disk
}

// New makes the list. Run must run for copies of the database and for the schedule.
func New(storage *store.Store, list *jobs.Jobs, b *bus.Bus, host Host, log *slog.Logger) *Backups {
	v := &Backups{
		storage: storage, jobs: list, host: host, log: log, changed: make(chan struct{}, 1), now: time.Now,
		ready: make(chan struct{}),
	}
	v.bus = b.Under(&v.running)
	list.OnRetry(left4me.CreateBackup.Noun(), v.again)
	return v
}

// Run answers hosts that want a copy of the database and asks for backups when they
// are due, until ctx ends.
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

// Ready is closed when hosts are answered.
func (b *Backups) Ready() <-chan struct{} { return b.ready }

// snapshot writes a copy for a job that makes a backup. The name is ours: a host
// can't have it written anywhere else.
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
		// People read this at the job, whose id they find in the log then.
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

// Watch gives a value whenever a backup was deleted or the policy changed, until ctx
// ends. Backups are made by jobs, which jobs.Jobs tells of. It must be ranged over
// once.
func (b *Backups) Watch(ctx context.Context) iter.Seq[struct{}] {
	return store.Rings(ctx, b.deleted.Listen(ctx), b.storage.Listen(ctx, "backup_policy"))
}

// List returns the backups that the host keeps, newest first.
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

// Active returns the jobs on backups that wait or run, oldest first.
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

// Create asks for a backup. One that is asked for already is returned as it is.
func (b *Backups) Create(ctx context.Context, by left4me.Actor) (left4me.Job, error) {
	return b.create(ctx, by, left4me.BackupSpec{})
}

func (b *Backups) create(ctx context.Context, by left4me.Actor, spec left4me.BackupSpec) (left4me.Job, error) {
	spec.Name = left4me.BackupName(b.now())
	return b.jobs.Add(ctx, by, left4me.CreateBackup, b.host.Name, b.host.Name, spec)
}

// Verify asks for a backup to be read from its beginning to its end. Errors:
// left4me.NotFound.
func (b *Backups) Verify(ctx context.Context, by left4me.Actor, n left4me.Name) (left4me.Job, error) {
	if _, err := b.Get(ctx, n); err != nil {
		return left4me.Job{}, err
	}
	return b.jobs.Add(ctx, by, left4me.VerifyBackup, n, b.host.Name, left4me.BackupSpec{Name: n})
}

// again asks for a backup job once more.
func (b *Backups) again(ctx context.Context, by left4me.Actor, v store.QueuedJob) (left4me.Job, error) {
	if v.Kind == left4me.VerifyBackup {
		return b.Verify(ctx, by, v.Target)
	}
	var spec left4me.BackupSpec
	if err := json.Unmarshal(v.Spec, &spec); err != nil {
		return left4me.Job{}, fmt.Errorf("retry job %s: %w", v.ID, err)
	}
	return b.create(ctx, by, spec)
}

// Dir is where the archives stand on the host.
func (b *Backups) Dir() string { return filepath.Join(b.host.Root, "backups") }

// Delete removes a backup. Errors: left4me.NotFound.
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

// FileName is what the archive of a backup is called.
func FileName(n left4me.Name) string { return string(n) + ".tar.zst" }
