package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/left4me/left4me/internal/api/apitype"
	"github.com/left4me/left4me/internal/cli/apiclient"
	"github.com/left4me/left4me/internal/cli/output"
	"github.com/left4me/left4me/internal/left4me"
)

// begin sends a request that creates a job and, if wait is set, waits for the job's end.
func (a *app) begin(ctx context.Context, what, method, path string, in any, wait bool) error {
	var j apitype.Job
	raw, err := a.call(ctx, method, path, in, &j)
	if err == nil {
		err = a.finish(ctx, what, j, raw, wait)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// finish prints the state of a new job, after its end if wait is set.
func (a *app) finish(ctx context.Context, what string, j apitype.Job, raw json.RawMessage, wait bool) (err error) {
	if wait {
		var own string
		if own, err = jobPath(string(j.ID)); err == nil {
			j, raw, err = a.follow(ctx, own, what, nil)
		}
	}
	var failed *jobError
	if errors.As(err, &failed) && a.json {
		err = errors.Join(a.print(raw, nil), err)
	}
	if err != nil {
		return err
	}
	return a.print(raw, func(w io.Writer) {
		switch {
		case a.quiet && !wait:
			fmt.Fprintln(w, j.ID)
		case !a.quiet && wait:
			fmt.Fprintf(w, "%s: %s\n", what, j.State)
		case !a.quiet:
			fmt.Fprintf(w, "%s: job %s is %s\n", what, output.OneLine(string(j.ID)), j.State)
			fmt.Fprintf(a.Err, "to see how it ends: left4me job show %s\n", output.OneLine(string(j.ID)))
		}
	})
}

// follow waits for the end of a job and shows its progress. If each is not nil, each is called with
// every state instead. For a job that did not succeed, follow returns an error together with the
// job.
func (a *app) follow(ctx context.Context, path, what string, each func([]byte)) (j apitype.Job, raw json.RawMessage, err error) {
	c, err := a.client()
	if err != nil {
		return j, nil, err
	}
	p := output.NewProgress(a.Err, what, terminal(a.Err))
	defer p.End()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	streaming, cancel := context.WithCancel(ctx)
	defer cancel()
	for events := pump(streaming, c, path+"/events"); ; {
		select {
		case e, ok := <-events:
			if !ok {
				return j, raw, waited(ctx)
			}
			if e.err != nil {
				return j, raw, e.err
			}
			j, raw = apitype.Job{}, e.Data
			if json.Unmarshal(raw, &j) != nil {
				return j, raw, c.Unexpected("its job cannot be read")
			}
			if each != nil {
				each(raw)
			}
		case <-tick.C:
		}
		if raw == nil {
			continue
		}
		p.Title = cmp.Or(what, title(j))
		if each == nil && !a.quiet {
			p.Show(j, time.Now())
		}
		if j.State.Ended() && each == nil { // also with --quiet: warnings are printed nowhere else
			p.End()
			for _, text := range warnings(j) {
				fmt.Fprintf(a.Err, "%s: warning: %s\n", p.Title, text)
			}
		}
		if j.State == left4me.JobDone {
			return j, raw, nil
		}
		if j.State.Ended() {
			return j, raw, &jobError{j}
		}
	}
}

type streamed struct {
	apiclient.Event
	err error
}

// pump sends the events of a stream to a channel. It closes the channel when ctx ends or after an
// error.
func pump(ctx context.Context, c *apiclient.Client, path string) <-chan streamed {
	out := make(chan streamed)
	go func() {
		defer close(out)
		for e, err := range c.Follow(ctx, path, "") {
			select {
			case out <- streamed{e, err}:
			case <-ctx.Done():
				return
			}
		}
	}()
	return out
}

// waited returns the reason why waiting ended.
func waited(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("timed out while waiting; the job continues: %w", ctx.Err())
	}
	return fmt.Errorf("interrupted; the job continues: %w", context.Canceled)
}

// jobError is the error of a job that did not succeed. It hides the kind of the job's own error, so
// that the exit code is always that of a failed job.
type jobError struct{ job apitype.Job }

func (e *jobError) Error() string {
	text := "the job " + string(e.job.State)
	switch {
	case e.job.State == left4me.JobFailed && e.job.Error != nil:
		return e.job.Error.Error()
	case e.job.State == left4me.JobCancelled:
		return "the job was cancelled"
	case e.job.State == left4me.JobInterrupted:
		text = "the job was interrupted"
		if e.job.Error != nil {
			text += ": " + e.job.Error.Text
		}
		return text + "; retry it with: left4me job retry " + string(e.job.ID)
	}
	return text
}
