package agent

import (
	"fmt"
	"path/filepath"
	"sync"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/disk"
	"github.com/left4me/left4me/internal/left4me"
)

// disks watches whether the file systems of a host are there.
type disks struct {
	core    *core
	games   *disk.Watch   // what servers and their jobs need
	backups *disk.Watch   // what only backups need
	changed chan struct{} // holds one when missing has changed

	checking sync.Mutex // one check at a time; held before mu

	mu   sync.Mutex
	last *left4me.Error // what the last check found
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

// missing is what the last check found; nil: all disks are there.
func (d *disks) missing() *left4me.Error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.last
}

// withoutDisk are the requests that are answered although a disk has gone: how
// the servers are, what stops them, and what their shims know. A job is checked
// when it runs.
var withoutDisk = map[string]bool{
	bus.VerbStatus: true, bus.VerbPing: true, bus.VerbWork: true, bus.VerbStop: true, bus.VerbCancel: true,
	bus.VerbConsole: true, bus.VerbCommand: true, bus.VerbDoctor: true, bus.VerbReach: true,
}

// checkRequest looks for the disks that a request needs.
func (d *disks) checkRequest(verb string) error {
	if withoutDisk[verb] {
		return nil
	}
	err := d.check()
	if err == nil && (verb == bus.VerbBackups || verb == bus.VerbDropBackup) {
		err = d.backups.Check()
	}
	return err
}

// checkJob looks for the disks that a job needs. A server stops without its files.
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

// check checks whether the file systems of this host are there. Everything
// that works on files asks it before: jobs, requests, and what is done now and
// then. While one has gone the state of every server is unknown; serve tells the
// statuses when that changes. Errors: left4me.Unavailable.
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
	default: // it is told with the change before
	}
	return err
}

func text(e *left4me.Error) string {
	if e == nil {
		return ""
	}
	return e.Text
}
