package page

import (
	"context"
	"fmt"
	"iter"
	"sync"

	"github.com/left4me/left4me/internal/left4me"
)

// changes collects the topics that changed since the last take. It is safe for concurrent use.
type changes struct {
	mu   sync.Mutex
	all  map[Topic]bool
	wake chan struct{}
}

func newChanges() *changes { return &changes{all: map[Topic]bool{}, wake: make(chan struct{}, 1)} }

// add adds topics. It never blocks.
func (n *changes) add(all ...Topic) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, t := range all {
		n.all[t] = true
	}
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

// take returns the collected topics and clears them.
func (n *changes) take() map[Topic]bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	all := n.all
	n.all = map[Topic]bool{}
	return all
}

// watch collects changes until ctx ends. No change after its return is missed. Its goroutines are added
// to work.
func (p *Panel) watch(ctx context.Context, n *changes, work *sync.WaitGroup) {
	p.watchServers(ctx, n, work)
	p.watchJobs(ctx, n, work)
	for t, changes := range map[Topic]func(context.Context) iter.Seq[struct{}]{
		OnContent():        p.Overlays.Watch,
		OnGame():           p.Game.Watch,
		OnBulk():           p.Bulk.Watch,
		OnBackups():        p.Backups.Watch,
		OnUploads():        p.Uploads.Watch,
		OnAccounts():       p.Accounts.Watch,
		OnDeletedServers(): p.Servers.Deleted().Watch,
	} {
		changed := changes(ctx)
		work.Go(func() {
			for range changed {
				n.add(t)
			}
		})
	}
}

// watchServers collects changes of servers.
func (p *Panel) watchServers(ctx context.Context, n *changes, work *sync.WaitGroup) {
	names := p.Servers.Watch(ctx)
	work.Go(func() {
		ups, runs, definitions := map[left4me.Name]string{}, map[left4me.Name]string{}, map[left4me.Name]string{}
		for name := range names {
			n.add(OnServer(name), OnServers())
			v, err := p.Servers.Get(ctx, name)
			st, up := v.Status, ""
			if err == nil && st.State.Up() {
				up = fmt.Sprint(st.Build, st.Overlays)
			}
			defined := fmt.Sprint(err, v.Version, v.Blueprint)
			if was, known := definitions[name]; !known || was != defined {
				definitions[name] = defined
				n.add(OnDefinitions())
			}
			run := fmt.Sprint(err, v.Version, v.RestartRequired, v.NewBuild, v.NewContent, v.Job == nil, st.State, st.PID, st.SpecHash,
				st.Map, up)
			if was, known := ups[name]; !known || was != up {
				ups[name] = up
				n.add(OnRunning())
			}
			if was, known := runs[name]; !known || was != run {
				runs[name] = run
				n.add(OnRun(name))
			}
		}
	})
}

// watchJobs collects changes of jobs.
func (p *Panel) watchJobs(ctx context.Context, n *changes, work *sync.WaitGroup) {
	all := p.Jobs.WatchAll(ctx)
	work.Go(func() {
		states := map[left4me.JobID]left4me.JobState{}
		for j := range all {
			noun := j.Kind.Noun()
			n.add(OnJob(j.ID), OnJobs(), OnWork(noun, j.Target))
			if states[j.ID] != j.State {
				n.add(OnEnds(noun))
				states[j.ID] = j.State
			}
			if j.State.Ended() {
				delete(states, j.ID)
			}
		}
	})
}
