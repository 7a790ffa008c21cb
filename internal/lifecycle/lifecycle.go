// Package lifecycle starts the parts of a program in one order and ends them in
// another.
//
// A part is made by its New, which starts nothing, and works in its method Run until
// its context ends: Run returns when everything that it began has ended. A part that
// others rely on has a method Ready, whose channel is closed when they may.
package lifecycle

import (
	"context"
	"errors"
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
// When all have ended it returns what parts failed with, the first one first. A part that
// only says that its context has ended has not failed: without any failure Run returns
// the error of ctx itself.
func Run(ctx context.Context, stages ...Stage) error {
	values := context.WithoutCancel(ctx)
	var failed failures
	group, running := errgroup.WithContext(ctx)
	ends := make([]func(), len(stages))
	for i, s := range slices.Backward(stages) {
		ends[i] = s.start(running, values, group, &failed)
	}
	<-running.Done()
	for _, end := range ends {
		end()
	}
	ended := group.Wait()
	switch err := errors.Join(failed.all...); {
	case err != nil:
		return err
	case ctx.Err() != nil:
		return ctx.Err()
	default:
		return ended // a part gave up by itself
	}
}

// failures are the errors of parts in the order in which they came. It is safe for
// concurrent use.
type failures struct {
	mu  sync.Mutex
	all []error
}

func (f *failures) add(err error) {
	if err == nil || onlyCanceled(err) {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.all = append(f.all, err)
}

// onlyCanceled reports whether an error has no other cause than the end of a context:
// errors.Is would find that also beside a failure.
func onlyCanceled(err error) bool {
	switch e := err.(type) {
	case interface{ Unwrap() error }:
		return e.Unwrap() != nil && onlyCanceled(e.Unwrap())
	case interface{ Unwrap() []error }:
		return !slices.ContainsFunc(e.Unwrap(), func(err error) bool { return err != nil && !onlyCanceled(err) })
	}
	return errors.Is(err, context.Canceled)
}

// start starts the parts of a stage, unless ctx ends meanwhile, with a context of
// their own, and returns what ends that and waits for them.
func (s Stage) start(ctx, values context.Context, group *errgroup.Group, failed *failures) (end func()) {
	own, cancel := context.WithCancel(values)
	var running sync.WaitGroup
	for _, p := range s {
		if ctx.Err() != nil {
			break
		}
		running.Add(1)
		group.Go(func() error {
			defer running.Done()
			err := p.Run(own)
			failed.add(err)
			return err
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
