// Package lifecycletest runs parts of left4me in tests.
package lifecycletest

import (
	"context"
	"errors"
)

// Part is a part that has a Ready channel; see package lifecycle.
type Part interface {
	Run(ctx context.Context) error
	Ready() <-chan struct{}
}

// Start runs parts until ctx ends. It starts them one after the other and returns once all are
// ready or one has failed.
func Start(ctx context.Context, parts ...Part) error {
	for _, p := range parts {
		failed := make(chan error, 1)
		go func() { failed <- p.Run(ctx) }()
		select {
		case <-p.Ready():
		case err := <-failed:
			return errors.Join(errors.New("it ended before it was ready"), err)
		}
	}
	return nil
}
