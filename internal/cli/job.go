package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/left4me/left4me/internal/left4me"
)

func (a *app) jobCommand() *cobra.Command {
	return group("job", "What left4me works on and worked on",
		a.jobList(), a.jobShow(), a.jobWatch(),
		a.jobAct("cancel", "Cancel a job"), a.jobAct("retry", "Try a job again that did not end well"))
}

func (a *app) jobList() *cobra.Command {
	c := &cobra.Command{Use: "list", Aliases: []string{"ls"}, Short: "List jobs, newest first", Args: NoArguments}
	server := c.Flags().String("server", "", "only those of this server")
	overlay := c.Flags().String("overlay", "", "only those of this overlay")
	limit := c.Flags().IntP("number", "n", 20, "how many")
	c.RunE = func(c *cobra.Command, _ []string) error {
		q := url.Values{"limit": {strconv.Itoa(*limit)}}
		if *server != "" {
			q.Set("server", *server)
		}
		if *overlay != "" {
			q.Set("overlay", *overlay)
		}
		var all []left4me.Job
		raw, err := a.call(c.Context(), http.MethodGet, "/jobs?"+q.Encode(), nil, &all)
		if err != nil {
			return fmt.Errorf("list jobs: %w", err)
		}
		return a.print(raw, func(w io.Writer) {
			if a.quiet {
				for _, j := range all {
					fmt.Fprintln(w, oneLine(string(j.ID)))
				}
				return
			}
			fmt.Fprintln(w, "ID\tJOB\tSTATE\tCREATED\tBY")
			for _, j := range all {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", oneLine(string(j.ID)), title(j), j.State, moment(j.CreatedAt), oneLine(askedBy(j)))
			}
		})
	}
	a.completeFlag(c, "server", "/servers")
	a.completeFlag(c, "overlay", "/overlays")
	return c
}

func (a *app) jobShow() *cobra.Command {
	c := &cobra.Command{Use: "show ID", Short: "Show a job with its steps", Args: one("the id of a job"), ValidArgsFunction: a.jobIDs}
	c.RunE = func(c *cobra.Command, args []string) error {
		path, err := jobPath(args[0])
		if err != nil {
			return err
		}
		var j left4me.Job
		raw, err := a.call(c.Context(), http.MethodGet, path, nil, &j)
		if err != nil {
			return fmt.Errorf("show job: %w", err)
		}
		return a.print(raw, func(w io.Writer) { writeJob(w, j) })
	}
	return c
}

// askedBy says who asked for a job, and why when it was left4me itself.
func askedBy(j left4me.Job) string {
	if j.Reason == "" {
		return j.By
	}
	return j.By + ", " + j.Reason
}

func writeJob(w io.Writer, j left4me.Job) {
	row(w, "id", string(j.ID))
	row(w, "job", title(j))
	row(w, "state", string(j.State))
	row(w, "by", j.By)
	row(w, "reason", j.Reason)
	row(w, "created", moment(j.CreatedAt))
	row(w, "ended", moment(j.EndedAt))
	for _, s := range j.Steps {
		row(w, "step", stepText(s))
	}
	for _, text := range warnings(j) {
		row(w, "warning", text)
	}
	for _, l := range j.Log {
		row(w, "log", l)
	}
	if j.Error != nil {
		row(w, "error", j.Error.Error())
	}
}

// warnings are what people have to see to after a job.
func warnings(j left4me.Job) (all []string) {
	for _, s := range j.Steps {
		if s.Warning != "" {
			all = append(all, oneLine(s.Warning))
		}
	}
	return all
}

func (a *app) jobWatch() *cobra.Command {
	c := &cobra.Command{
		Use:               "watch ID",
		Short:             "Follow a job until it has ended",
		Args:              one("the id of a job"),
		ValidArgsFunction: a.jobIDs,
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		path, err := jobPath(args[0])
		if err != nil {
			return err
		}
		var each func([]byte)
		if a.json {
			each = func(data []byte) { fmt.Fprintf(a.Out, "%s\n", data) }
		}
		j, _, err := a.follow(c.Context(), path, "", each)
		if err != nil {
			return fmt.Errorf("job %s: %w", args[0], err)
		}
		if !a.json && !a.quiet {
			fmt.Fprintf(a.Out, "%s: %s\n", title(j), j.State)
		}
		return nil
	}
	return c
}

func (a *app) jobAct(verb, short string) *cobra.Command {
	c := &cobra.Command{Use: verb + " ID", Short: short, Args: one("the id of a job"), ValidArgsFunction: a.jobIDs}
	var wait *bool
	if verb == "retry" {
		wait = c.Flags().Bool("wait", false, "wait until it has ended")
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		path, err := jobPath(args[0])
		if err != nil {
			return err
		}
		return a.begin(c.Context(), verb+" job", http.MethodPost, path+"/"+verb, nil, wait != nil && *wait)
	}
	return c
}

// begin sends a request that is answered by a job, and waits for its end if that
// is wanted.
func (a *app) begin(ctx context.Context, what, method, path string, in any, wait bool) error {
	var j left4me.Job
	raw, err := a.call(ctx, method, path, in, &j)
	if err == nil {
		err = a.finish(ctx, what, j, raw, wait)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// finish tells of a job that was asked for, once it has ended if that is wanted.
func (a *app) finish(ctx context.Context, what string, j left4me.Job, raw json.RawMessage, wait bool) (err error) {
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
			fmt.Fprintf(w, "%s: job %s is %s\n", what, oneLine(string(j.ID)), j.State)
		}
	})
}

// follow waits for the end of a job and shows its progress. each, unless it is
// nil, gets every state of it instead. A job that did not end well is an error,
// and comes back all the same.
func (a *app) follow(ctx context.Context, path, what string, each func([]byte)) (j left4me.Job, raw json.RawMessage, err error) {
	c, err := a.client()
	if err != nil {
		return j, nil, err
	}
	p := newProgress(a.Err, what, terminal(a.Err))
	defer p.end()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	streaming, cancel := context.WithCancel(ctx)
	defer cancel()
	for events := c.pump(streaming, path+"/events"); ; {
		select {
		case e, ok := <-events:
			if !ok {
				return j, raw, waited(ctx)
			}
			if e.err != nil {
				return j, raw, e.err
			}
			j, raw = left4me.Job{}, e.data
			if json.Unmarshal(raw, &j) != nil {
				return j, raw, c.strange("its job can't be read")
			}
			if each != nil {
				each(raw)
			}
		case <-tick.C:
		}
		if raw == nil {
			continue
		}
		p.title = cmp.Or(what, title(j))
		if each == nil && !a.quiet {
			p.show(j, time.Now())
		}
		if j.State.Ended() && each == nil { // also with --quiet: nobody else says it
			p.end()
			for _, text := range warnings(j) {
				fmt.Fprintf(a.Err, "%s: warning: %s\n", p.title, text)
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
	event
	err error
}

// pump puts a stream into a channel, which is closed when ctx has ended or behind
// an error.
func (c *Client) pump(ctx context.Context, path string) <-chan streamed {
	out := make(chan streamed)
	go func() {
		defer close(out)
		for e, err := range c.follow(ctx, path, "", patient) {
			select {
			case out <- streamed{e, err}:
			case <-ctx.Done():
				return
			}
		}
	}()
	return out
}

// waited says why waiting ended.
func waited(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("gave up waiting; the job goes on: %w", ctx.Err())
	}
	return fmt.Errorf("interrupted; the job goes on: %w", context.Canceled)
}

var jobID = regexp.MustCompile(`^[0-9a-z]{1,64}$`)

// jobPath is where a job is in the API.
func jobPath(id string) (string, error) {
	if !jobID.MatchString(id) {
		return "", usagef("%q is not the id of a job; see: left4me job list", fit(id, 80))
	}
	return "/jobs/" + id, nil
}

// title is what a job does, for people: "start alpha".
func title(j left4me.Job) string {
	if j.Kind == left4me.CreateBackup {
		return "create backup" // its target is the host
	}
	if j.Kind == left4me.CollectContent {
		return "collect content" // so is its
	}
	if j.Kind.Noun() == "game" {
		return oneLine(j.Kind.Verb() + " the game")
	}
	return oneLine(j.Kind.Verb() + " " + string(j.Target))
}

// moment is a time in this machine's zone.
func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format(time.DateTime)
}

// row writes a line of a table of two columns, if there is something to write.
func row(w io.Writer, label, value string) {
	if value != "" {
		fmt.Fprintf(w, "%s\t%s\n", label, oneLine(value))
	}
}
