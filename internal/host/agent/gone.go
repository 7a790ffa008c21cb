package agent

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/disk"
	"github.com/left4me/left4me/internal/host/running/instance"
	"github.com/left4me/left4me/internal/left4me"
)

// withoutDisk are the requests that are answered although a disk has gone: how
// the servers are, what stops them, and what their shims know. A job is checked
// when it runs.
var withoutDisk = map[string]bool{
	bus.VerbStatus: true, bus.VerbPing: true, bus.VerbWork: true, bus.VerbStop: true, bus.VerbCancel: true,
	bus.VerbConsole: true, bus.VerbCommand: true, bus.VerbDoctor: true, bus.VerbReach: true,
}

// watchDisks watches what servers and their jobs need, and apart from it what
// only backups need.
func watchDisks(root instance.Root) (games, backups *disk.Watch) {
	return disk.NewWatch(string(root), "installation", "overlays", "workshop_cache", "instances", "runtime", "logs"),
		disk.NewWatch(filepath.Join(string(root), "backups"))
}

// checkDisks looks for the disks that a request needs.
func (a *Agent) checkDisks(verb string) error {
	if withoutDisk[verb] {
		return nil
	}
	err := a.diskThere()
	if err == nil && (verb == bus.VerbBackups || verb == bus.VerbDropBackup) {
		err = a.backupDisk.Check()
	}
	return err
}

// checkJob looks for the disks that a job needs. A server stops without its files.
func (a *Agent) checkJob(k left4me.JobKind) error {
	if k == left4me.StopServer {
		return nil
	}
	err := a.diskThere()
	if err == nil && k.Noun() == "backup" {
		err = a.backupDisk.Check()
	}
	if err != nil {
		return fmt.Errorf("%s: %w", k.Verb(), err)
	}
	return nil
}

// diskThere looks whether the file systems of this host are there. Everything
// that works on files asks it before: jobs, requests, and what is done now and
// then. While one has gone the state of every server is unknown; serve tells the
// statuses when that changes. Errors: left4me.Unavailable.
func (a *Agent) diskThere() error {
	a.looking.Lock()
	defer a.looking.Unlock()
	err := a.disks.Check()
	found, _ := left4me.Public(err)
	a.mu.Lock()
	before := a.gone
	a.gone = found
	a.mu.Unlock()
	switch {
	case text(before) == text(found):
		return err
	case found != nil:
		a.log.Error("disk gone: jobs are refused until it is back", "err", err, "cause", found.Err)
	default:
		a.log.Info("the disk is back", "was", before.Text)
	}
	select {
	case a.wentOrCame <- struct{}{}:
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

// remember keeps which servers there are for the time when a disk has gone.
func (a *Agent) remember() {
	names, err := a.Files.Names()
	if a.diskThere() != nil || err != nil { // looked at after the names were read
		return
	}
	a.mu.Lock()
	a.names = names
	a.mu.Unlock()
}

// tellAll tells the status of every server.
func (a *Agent) tellAll(ctx context.Context) {
	all, err := a.statuses(ctx)
	if err != nil && ctx.Err() == nil {
		a.log.Warn("tell the statuses", "err", err)
	}
	for _, st := range all {
		a.tell(st)
		a.update(st.Name, func(*left4me.Status) {}) // it may have changed since
	}
}

// serverNames are the servers that have anything here, or had before a disk had
// gone.
func (a *Agent) serverNames() ([]left4me.Name, error) {
	a.mu.Lock()
	gone := a.gone
	names := slices.AppendSeq(slices.Clone(a.names), maps.Keys(a.servers))
	a.mu.Unlock()
	if gone == nil {
		return a.Files.Names()
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// shown is what is told of a server: that its state is unknown while a disk has
// gone. a.mu is held.
func (a *Agent) shown(st left4me.Status) left4me.Status {
	if a.gone != nil {
		st.State, st.Reason = left4me.Unknown, left4me.Clip(a.gone.Text, maxReason)
	}
	return st
}
