package cli

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"sync"

	"github.com/spf13/cobra"

	"github.com/left4me/left4me/internal/api/apitype"
	"github.com/left4me/left4me/internal/cli/output"
	"github.com/left4me/left4me/internal/left4me"
)

// jobCommands are the subcommands of left4me job.
type jobCommands struct{ app *app }

func (cmd jobCommands) command() *cobra.Command {
	return group("job", "Show and control jobs",
		cmd.list(), cmd.show(), cmd.watch(),
		cmd.act("cancel", "Cancel a job"), cmd.act("retry", "Retry a job that did not succeed"))
}

func (cmd jobCommands) list() *cobra.Command {
	c := &cobra.Command{Use: "list", Aliases: []string{"ls"}, Short: "List jobs, newest first", Args: NoArguments}
	server := c.Flags().String("server", "", "list only jobs of this server")
	overlay := c.Flags().String("overlay", "", "list only jobs of this overlay")
	limit := c.Flags().IntP("number", "n", 20, "maximum number of jobs")
	c.RunE = func(c *cobra.Command, _ []string) error {
		q := url.Values{"limit": {strconv.Itoa(*limit)}}
		if *server != "" {
			q.Set("server", *server)
		}
		if *overlay != "" {
			q.Set("overlay", *overlay)
		}
		var all []apitype.Job
		raw, err := cmd.app.call(c.Context(), http.MethodGet, "/jobs?"+q.Encode(), nil, &all)
		if err != nil {
			return fmt.Errorf("list jobs: %w", err)
		}
		return cmd.app.print(raw, func(w io.Writer) {
			if cmd.app.quiet {
				for _, j := range all {
					fmt.Fprintln(w, output.OneLine(string(j.ID)))
				}
				return
			}
			fmt.Fprintln(w, "ID\tJOB\tSTATE\tCREATED\tBY")
			for _, j := range all {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", output.OneLine(string(j.ID)), title(j), j.State, output.Moment(j.CreatedAt),
					output.OneLine(askedBy(j)))
			}
		})
	}
	cmd.app.completeFlag(c, "server", "/servers")
	cmd.app.completeFlag(c, "overlay", "/overlays")
	return c
}

func (cmd jobCommands) show() *cobra.Command {
	c := &cobra.Command{Use: "show ID", Short: "Show a job with its steps", Args: one("the id of a job"), ValidArgsFunction: cmd.app.jobIDs}
	c.RunE = func(c *cobra.Command, args []string) error {
		path, err := jobPath(args[0])
		if err != nil {
			return err
		}
		var j apitype.Job
		raw, err := cmd.app.call(c.Context(), http.MethodGet, path, nil, &j)
		if err != nil {
			return fmt.Errorf("show job: %w", err)
		}
		return cmd.app.print(raw, func(w io.Writer) { writeJob(w, j) })
	}
	return c
}

// askedBy returns the requester of a job and, for left4me itself, the reason.
func askedBy(j apitype.Job) string {
	if j.Reason == "" {
		return j.By
	}
	return j.By + ", " + j.Reason
}

func writeJob(w io.Writer, j apitype.Job) {
	output.Row(w, "id", string(j.ID))
	output.Row(w, "job", title(j))
	output.Row(w, "state", string(j.State))
	output.Row(w, "by", j.By)
	output.Row(w, "reason", j.Reason)
	output.Row(w, "created", output.Moment(j.CreatedAt))
	output.Row(w, "ended", output.Moment(j.EndedAt))
	output.Row(w, "request", j.RequestID)
	for _, s := range j.Steps {
		output.Row(w, "step", output.StepText(s))
	}
	for _, text := range warnings(j) {
		output.Row(w, "warning", text)
	}
	for _, l := range j.Log {
		output.Row(w, "log", l)
	}
	if j.Error != nil {
		output.Row(w, "error", j.Error.Error())
	}
}

// warnings returns the problems that need attention after a job.
func warnings(j apitype.Job) (all []string) {
	for _, s := range j.Steps {
		if s.Warning != "" {
			all = append(all, output.OneLine(s.Warning))
		}
	}
	return all
}

func (cmd jobCommands) watch() *cobra.Command {
	c := &cobra.Command{
		Use:               "watch ID",
		Short:             "Follow a job until it ends",
		Args:              one("the id of a job"),
		ValidArgsFunction: cmd.app.jobIDs,
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		path, err := jobPath(args[0])
		if err != nil {
			return err
		}
		var each func([]byte)
		if cmd.app.json {
			each = func(data []byte) { fmt.Fprintf(cmd.app.Out, "%s\n", data) }
		}
		j, _, err := cmd.app.follow(c.Context(), path, "", each)
		if err != nil {
			return fmt.Errorf("job %s: %w", args[0], err)
		}
		if !cmd.app.json && !cmd.app.quiet {
			fmt.Fprintf(cmd.app.Out, "%s: %s\n", title(j), j.State)
		}
		return nil
	}
	return c
}

func (cmd jobCommands) act(verb, short string) *cobra.Command {
	c := &cobra.Command{Use: verb + " ID", Short: short, Args: one("the id of a job"), ValidArgsFunction: cmd.app.jobIDs}
	var wait *bool
	if verb == "retry" {
		wait = c.Flags().Bool("wait", false, "wait until the job has ended")
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		path, err := jobPath(args[0])
		if err != nil {
			return err
		}
		return cmd.app.begin(c.Context(), verb+" job", http.MethodPost, path+"/"+verb, nil, wait != nil && *wait)
	}
	return c
}

var jobID = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[0-9a-z]{1,64}$`)
})

// jobPath returns the path of a job in the API.
func jobPath(id string) (string, error) {
	if !jobID().MatchString(id) {
		return "", left4me.NewError(left4me.Invalid, "usage.no_job_id", "text", output.Fit(id, 80))
	}
	return "/jobs/" + id, nil
}

// title returns the job's action for display: "start alpha".
func title(j apitype.Job) string {
	if j.Kind == left4me.CreateBackup {
		return "create backup" // the job's target is the host
	}
	if j.Kind == left4me.CollectContent {
		return "collect content" // the job's target is the host
	}
	if j.Kind.Noun() == "game" {
		return output.OneLine(j.Kind.Verb() + " the game")
	}
	return output.OneLine(j.Kind.Verb() + " " + string(j.Target))
}
