// Package lifecycle starts the parts of a program in one order and ends them in
// another.
//
// A part is made by its New, which starts nothing, and works in its method Run until
// its context ends: Run returns when everything that it began has ended. A part that
// others rely on has a method Ready, whose channel is closed when they may.
package lifecycle

import (
	"context"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"
)

// Part is something that runs.
type Part struct {
	Run func(context.Context) error
	// Ready is closed when what starts after this part may start; nil: at once.
	Ready <-chan struct{}
}

// Stage is parts that end together. They start one after the other.
type Stage []Part

// Run runs all stages until ctx ends or a part fails. The last stage starts first and
// ends last: each stage has ended as a whole before the context of the next one ends.
// It returns the first error of a part, when all have ended.
func Run(ctx context.Context, stages ...Stage) error {
	values := context.WithoutCancel(ctx)
	group, ctx := errgroup.WithContext(ctx)
	ends := make([]func(), len(stages))
	for i, s := range slices.Backward(stages) {
		ends[i] = s.start(ctx, values, group)
	}
	<-ctx.Done()
	for _, end := range ends {
		end()
	}
	return group.Wait()
}

// start starts the parts of a stage, unless ctx ends meanwhile, with a context of
// their own, and returns what ends that and waits for them.
func (s Stage) start(ctx, values context.Context, group *errgroup.Group) (end func()) {
	own, cancel := context.WithCancel(values)
	var running sync.WaitGroup
	for _, p := range s {
		if ctx.Err() != nil {
			break
		}
		running.Add(1)
		group.Go(func() error {
			defer running.Done()
			return p.Run(own)
		})
		if p.Ready == nil {
			continue
		}
		select {
		case <-p.Ready:
		case <-ctx.Done():
		}
	}
	return func() {
		cancel()
		running.Wait()
	}
}
