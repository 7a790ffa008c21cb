package servers

import (
	"context"
	"strconv"
	"time"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/store"
)

// reports writes what hosts report to the store, where each changed value becomes an event: the
// state of each server, and the current build and revisions. A value that changes and changes back
// between two writes causes no event.
type reports struct{ servers *Servers }

// run writes reports until ctx ends, and retries failed writes with back-off.
func (r reports) run(ctx context.Context) {
	news := r.servers.status.changes.Listen(ctx)
	written := map[store.Report]string{}
	for wait := firstWait; ; {
		all, forgotten := r.servers.status.reports()
		changed := changedSince(written, all, forgotten)
		wake := news
		var again <-chan time.Time
		if len(changed) > 0 {
			if err := r.servers.storage.Reports().Set(ctx, changed); err != nil {
				if ctx.Err() == nil {
					r.servers.log.WarnContext(ctx, "keep what hosts report", "again in", wait, "err", err)
				}
				wake, again, all = nil, time.After(wait), written
				wait = min(2*wait, longestWait)
			}
		}
		if again == nil {
			wait = firstWait
		}
		written = all
		select {
		case <-wake:
		case <-again:
		case <-ctx.Done():
			return
		}
	}
}

// changedSince returns the reports of all whose written value differs. It first removes forgotten
// from written, so that reports about the next server of a name are written again.
func changedSince(written, all map[store.Report]string, forgotten []store.Report) (changed []store.Report) {
	for _, k := range forgotten {
		delete(written, k)
	}
	for k, value := range all {
		if was, ok := written[k]; !ok || was != value {
			k.Value = value
			changed = append(changed, k)
		}
	}
	return changed
}

// reportOf returns the key of a server's state, without a value.
func reportOf(host, server left4me.Name) store.Report {
	return store.Report{Host: host, Noun: "server", Name: server}
}

// reports returns the last report of each fact as a key with its value, and the keys forgotten
// since the last call.
func (l *statuses) reports() (all map[store.Report]string, forgotten []store.Report) {
	l.mu.Lock()
	defer l.mu.Unlock()
	forgotten, l.forgotten = l.forgotten, nil
	all = map[store.Report]string{}
	seqs := map[store.Report]uint64{}
	for k, v := range l.statuses {
		r := reportOf(k.host, l.name(k))
		if seq, other := seqs[r]; other && (seq > v.seq || seq == v.seq && r.Name == k.server) {
			continue // get picks the status of a renamed server the same way
		}
		seqs[r] = v.seq
		if delete(all, r); v.State != left4me.Unknown {
			all[r] = string(v.State)
		}
	}
	for host, c := range l.currents {
		for name, revision := range c.revisions {
			all[store.Report{Host: host, Noun: "overlay", Name: name}] = strconv.Itoa(revision)
		}
	}
	for host, build := range l.builds {
		all[store.Report{Host: host, Noun: "game"}] = strconv.FormatInt(build, 10)
	}
	return all, forgotten
}
