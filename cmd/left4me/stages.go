package main

import (
	"context"
	"sync"

	"golang.org/x/sync/errgroup"
)

// stage is a part of serve whose context outlives the parts before it.
type stage struct {
	ctx context.Context
	end context.CancelFunc
	run []func(context.Context) error
}

func newStage(ctx context.Context) *stage {
	s := &stage{}
	s.ctx, s.end = context.WithCancel(context.WithoutCancel(ctx))
	return s
}

// add gives the stage something to run. It has to end with its context.
func (s *stage) add(run ...func(context.Context) error) { s.run = append(s.run, run...) }

// runStages runs all stages at once until ctx ends or something fails. Then they
// end one after the other, the first one first: each has ended as a whole before
// the next one's context does. The error is the first one.
func runStages(ctx context.Context, stages ...*stage) error {
	group, ctx := errgroup.WithContext(ctx)
	before := ctx.Done()
	for _, s := range stages {
		var running sync.WaitGroup
		for _, run := range s.run {
			running.Add(1)
			group.Go(func() error {
				defer running.Done()
				return run(s.ctx)
			})
		}
		end, ended := before, make(chan struct{})
		group.Go(func() error {
			<-end
			s.end()
			running.Wait()
			close(ended)
			return nil
		})
		before = ended
	}
	return group.Wait()
}

// waits makes something to run of what has begun already: wait returns when that
// has ended.
func waits(wait func()) func(context.Context) error {
	return func(context.Context) error { wait(); return nil }
}
