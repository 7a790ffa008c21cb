package workshop

import (
	"sync"
	"time"

	"github.com/left4me/left4me/internal/left4me"
)

// tally sums the progress of a plan's downloads.
type tally struct {
	publishAll func(left4me.Progress)

	mu        sync.Mutex
	items     []left4me.Progress
	sum       left4me.Progress
	published time.Time
}

const publishInterval = 250 * time.Millisecond

func newTally(p *Plan, s *Source, publish func(left4me.Progress)) *tally {
	t := &tally{publishAll: publish, items: make([]left4me.Progress, len(p.items)), sum: left4me.Progress{Unit: "bytes"}}
	for i, it := range p.items {
		if it.wanted() && !s.cached(it) {
			t.set(i, left4me.Progress{Total: it.facts.Size})
		}
	}
	t.publish()
	return t
}

// update records the progress of an item.
func (t *tally) update(i int, n left4me.Progress) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n.Total = max(n.Total, n.Done)
	t.set(i, n)
	if time.Since(t.published) >= publishInterval {
		t.publish()
	}
}

// skip records that an item will receive no more data.
func (t *tally) skip(i int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.set(i, left4me.Progress{Done: t.items[i].Done, Total: t.items[i].Done})
}

// end publishes the final progress.
func (t *tally) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.publish()
}

func (t *tally) set(i int, n left4me.Progress) {
	if n.Done == n.Total {
		n.Rate = 0
	}
	old := t.items[i]
	t.sum.Done, t.sum.Total, t.sum.Rate = t.sum.Done+n.Done-old.Done, t.sum.Total+n.Total-old.Total, t.sum.Rate+n.Rate-old.Rate
	t.items[i] = n
}

// publish publishes the sum. The lock is held, so calls are in order.
func (t *tally) publish() {
	t.published = time.Now()
	if t.publishAll != nil {
		t.publishAll(t.sum)
	}
}
