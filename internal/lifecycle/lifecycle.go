// Package lifecycle starts the parts of a program in one order and stops them in another.
//
// A part is created by its New function, which starts nothing. Its method Run works until its
// context ends and returns once everything that it started has ended. A part that others depend on
// has a method Ready, which returns a channel that is closed when the part is ready.
package lifecycle

import (
	"context"
	"errors"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"
)

// Part is a component with a running task.
type Part struct {
	Run func(context.Context) error
	// Ready is closed when the parts after this one may start; nil means immediately.
	Ready <-chan struct{}
}

// Stage is a group of parts that stop together. They start one after the other.
type Stage []Part

// Run runs all stages until ctx ends or a part fails. The last stage starts first and stops last: a
// stage has ended completely before the context of the next one ends. Once all have ended, Run
// returns the errors of all parts, the earliest first. A part that only returns the error of its
// ended context has not failed; without any failure, Run returns the error of ctx itself.
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
		return ended // a part cancelled itself
	}
}

// failures collects the errors of parts in order. It is safe for concurrent use.
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

// onlyCanceled reports whether an error has no cause other than context.Canceled. errors.Is would
// also be true for a joined error with a real failure.
func onlyCanceled(err error) bool {
	switch e := err.(type) {
	case interface{ Unwrap() error }:
		return e.Unwrap() != nil && onlyCanceled(e.Unwrap())
	case interface{ Unwrap() []error }:
		return !slices.ContainsFunc(e.Unwrap(), func(err error) bool { return err != nil && !onlyCanceled(err) })
	}
	return errors.Is(err, context.Canceled)
}

// start starts the parts of a stage, unless ctx ends first, with a context of their own. The
// returned function cancels that context and waits for the parts.
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
