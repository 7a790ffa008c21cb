package web

import (
	"context"
	"fmt"
	"iter"
	"sync"

	"github.com/left4me/left4me/internal/left4me"
)

// topic is something that a part of a page can depend on. A topic without a name
// stands for all of its kind.
type topic struct{ kind, name string }

// onServer is all of one server: its definition, its state, its players, its jobs
// with their steps, its crashes.
func onServer(n left4me.Name) topic { return topic{"server", string(n)} }

// onServers is all of any server.
func onServers() topic { return topic{kind: "server"} }

// onRun is how a server runs, without what changes all the time: its definition, its
// state, what it was started with, its map.
func onRun(n left4me.Name) topic { return topic{"run", string(n)} }

// onDefinitions is which servers there are, and how they are defined.
func onDefinitions() topic { return topic{kind: "definitions"} }

// onRunning is which servers are up, and with which build and overlays.
func onRunning() topic { return topic{kind: "running"} }

// onJob is one job with its steps.
func onJob(id left4me.JobID) topic { return topic{"job", string(id)} }

// onJobs is any job with its steps.
func onJobs() topic { return topic{kind: "job"} }

// onWork is the jobs on one target with their steps.
func onWork(noun string, target left4me.Name) topic { return topic{"work " + noun, string(target)} }

// onEnds is that a job on any target of a noun came, began or ended.
func onEnds(noun string) topic { return topic{"end", noun} }

// onContent is the definitions of overlays and blueprints, and what the host has of
// overlays.
func onContent() topic { return topic{kind: "content"} }

// onGame is the game on the host: builds, policy and rollout.
func onGame() topic { return topic{kind: "game"} }

// onBackups is the backups and their policy.
func onBackups() topic { return topic{kind: "backups"} }

// onUploads is the uploads under way.
func onUploads() topic { return topic{kind: "uploads"} }

// onAccounts is the users, their sessions and tokens.
func onAccounts() topic { return topic{kind: "accounts"} }

// onDisk is whether a disk is full.
func onDisk() topic { return topic{kind: "disk"} }

// news is what became new since somebody looked. It is safe for concurrent use.
type news struct {
	mu   sync.Mutex
	all  map[topic]bool
	wake chan struct{}
}

func newNews() *news { return &news{all: map[topic]bool{}, wake: make(chan struct{}, 1)} }

// add adds topics. It never waits.
func (n *news) add(all ...topic) {
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

// take returns what became new, and forgets it.
func (n *news) take() map[topic]bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	all := n.all
	n.all = map[topic]bool{}
	return all
}

// listen collects news until ctx ends. All that happens after it has returned is
// among them; work counts what it began.
func (p *panel) listen(ctx context.Context, n *news, work *sync.WaitGroup) {
	p.listenServers(ctx, n, work)
	p.listenJobs(ctx, n, work)
	for t, changes := range map[topic]func(context.Context) iter.Seq[struct{}]{
		onContent():  p.Content.Watch,
		onGame():     p.Game.Watch,
		onBackups():  p.Backups.Watch,
		onUploads():  p.Uploads.Watch,
		onAccounts(): p.Accounts.Watch,
	} {
		changed := changes(ctx)
		work.Go(func() {
			for range changed {
				n.add(t)
			}
		})
	}
}

// listenServers collects what is new of servers.
func (p *panel) listenServers(ctx context.Context, n *news, work *sync.WaitGroup) {
	names := p.Servers.Watch(ctx)
	work.Go(func() {
		ups, runs, definitions := map[left4me.Name]string{}, map[left4me.Name]string{}, map[left4me.Name]string{}
		for name := range names {
			n.add(onServer(name), onServers())
			v, err := p.Servers.Get(ctx, name)
			st, up := v.Status, ""
			if err == nil && st.State.Up() {
				up = fmt.Sprint(st.Build, st.Overlays)
			}
			defined := fmt.Sprint(err, v.Version, v.Blueprint)
			if was, known := definitions[name]; !known || was != defined {
				definitions[name] = defined
				n.add(onDefinitions())
			}
			run := fmt.Sprint(err, v.Version, v.RestartRequired, v.NewBuild, v.NewContent, v.Job == nil, st.State, st.PID, st.SpecHash,
				st.Map, up)
			if was, known := ups[name]; !known || was != up {
				ups[name] = up
				n.add(onRunning())
			}
			if was, known := runs[name]; !known || was != run {
				runs[name] = run
				n.add(onRun(name))
			}
		}
	})
}

// listenJobs collects what is new of jobs.
func (p *panel) listenJobs(ctx context.Context, n *news, work *sync.WaitGroup) {
	all := p.Jobs.WatchAll(ctx)
	work.Go(func() {
		states := map[left4me.JobID]left4me.JobState{}
		for j := range all {
			noun := j.Kind.Noun()
			n.add(onJob(j.ID), onJobs(), onWork(noun, j.Target))
			if states[j.ID] != j.State {
				n.add(onEnds(noun))
				states[j.ID] = j.State
			}
			if j.State.Ended() {
				delete(states, j.ID)
			}
		}
	})
}
