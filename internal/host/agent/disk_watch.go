package agent

import (
	"fmt"
	"path/filepath"
	"sync"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/disk"
	"github.com/left4me/left4me/internal/left4me"
)

// disks monitors whether the file systems of a host are mounted.
type disks struct {
	core    *core
	games   *disk.Watch   // directories that servers and their jobs need
	backups *disk.Watch   // directory that only backups need
	changed chan struct{} // holds one value if the result of missing has changed

	checking sync.Mutex // serialises checks; locked before mu

	mu   sync.Mutex
	last *left4me.Error // result of the last check
}

func newDisks(c *core) *disks {
	root := string(c.Files.Root)
	return &disks{
		core:    c,
		games:   disk.NewWatch(root, "installation", "overlays", "workshop_cache", "instances", "runtime", "logs"),
		backups: disk.NewWatch(filepath.Join(root, "backups")),
		changed: make(chan struct{}, 1),
	}
}

// missing returns the result of the last check; nil means that no disk is missing.
func (d *disks) missing() *left4me.Error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.last
}

// allowedWithoutDisk lists the requests that are answered while a disk is missing: server statuses,
// stopping servers, and data that shims hold in memory. For jobs, the disks are checked when they
// run.
var allowedWithoutDisk = map[string]bool{
	bus.VerbStatus: true, bus.VerbPing: true, bus.VerbWork: true, bus.VerbStop: true, bus.VerbCancel: true,
	bus.VerbConsole: true, bus.VerbCommand: true, bus.VerbDoctor: true, bus.VerbReach: true,
}

// checkRequest checks the disks that a request needs.
func (d *disks) checkRequest(verb string) error {
	if allowedWithoutDisk[verb] {
		return nil
	}
	err := d.check()
	if err == nil && (verb == bus.VerbBackups || verb == bus.VerbDropBackup) {
		err = d.backups.Check()
	}
	return err
}

// checkJob checks the disks that a job needs. Stopping a server needs no files.
func (d *disks) checkJob(k left4me.JobKind) error {
	if k == left4me.StopServer {
		return nil
	}
	err := d.check()
	if err == nil && k.Noun() == "backup" {
		err = d.backups.Check()
	}
	if err != nil {
		return fmt.Errorf("%s: %w", k.Verb(), err)
	}
	return nil
}

// check checks whether the file systems of this host are mounted. Jobs, requests and periodic work
// call it before they use files. While a disk is missing, every server has the state Unknown;
// Agent.serve publishes the statuses when that changes. Errors: left4me.Unavailable.
func (d *disks) check() error {
	d.checking.Lock()
	defer d.checking.Unlock()
	err := d.games.Check()
	found, _ := left4me.Public(err)
	d.mu.Lock()
	before := d.last
	d.last = found
	d.mu.Unlock()
	switch {
	case text(before) == text(found):
		return err
	case found != nil:
		d.core.log.Error("disk gone: jobs are refused until it is back", "err", err, "cause", found.Err)
	default:
		d.core.log.Info("the disk is back", "was", before.Text)
	}
	select {
	case d.changed <- struct{}{}:
	default: // a signal is already pending
	}
	return err
}

func text(e *left4me.Error) string {
	if e == nil {
		return ""
	}
	return e.Text
}
