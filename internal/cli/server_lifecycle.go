package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/left4me/left4me/internal/api/apitype"
	"github.com/left4me/left4me/internal/bytesize"
	"github.com/left4me/left4me/internal/cli/output"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/sleep"
)

// selection is the set of servers that a command applies to.
type selection struct {
	all          bool
	blueprint    string
	needsRestart bool
}

// several reports whether the servers are not selected by their names.
func (s selection) several() bool { return s.all || s.blueprint != "" || s.needsRestart }

// matches reports whether a server is among those that are not selected by their names.
func (s selection) matches(v apitype.GameServer) bool {
	return (s.blueprint == "" || string(v.Blueprint) == s.blueprint) &&
		(!s.needsRestart || v.RestartRequired || v.NewBuild > 0 || len(v.NewContent) > 0)
}

// wants reports whether a command for several servers changes the server s: starting all servers
// must not affect running ones.
var wants = map[string]func(apitype.GameServer) bool{
	"start":   func(s apitype.GameServer) bool { return !s.State.Up() },
	"stop":    func(s apitype.GameServer) bool { return s.State != left4me.Stopped || s.Wanted == left4me.WantRunning },
	"restart": func(s apitype.GameServer) bool { return s.State.Up() },
}

// idle is the message if a command for several servers has nothing to do.
var idle = map[string]string{"start": "all servers are running", "stop": "every server is stopped", "restart": "no server runs"}

// actOnSeveral returns a command that creates a job on one or several servers.
func (cmd serverCommands) actOnSeveral(verb, short, long string) *cobra.Command {
	var which selection
	c := &cobra.Command{
		Use: verb + " NAME...", Short: short, Long: short + ".\n\n" + long,
		Args: func(c *cobra.Command, args []string) error { return which.check(c, args) },
		ValidArgsFunction: func(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			named := func(n string) bool { return slices.Contains(args, n) }
			return slices.DeleteFunc(cmd.app.serverNames(c), named), noFiles
		},
	}
	c.Flags().BoolVar(&which.all, "all", false, verb+" all servers")
	c.Flags().StringVar(&which.blueprint, "blueprint", "", verb+" all servers that use this blueprint")
	c.MarkFlagsMutuallyExclusive("all", "blueprint")
	cmd.app.completeFlag(c, "blueprint", "/blueprints")
	if verb == "restart" {
		c.Flags().BoolVar(&which.needsRestart, "needs-restart", false,
			"restart the servers that need a restart; with --blueprint, only those of the blueprint")
	}
	empty := new(bool)
	if verb != "start" {
		empty = c.Flags().Bool("when-empty", false, verb+" each server once nobody has played on it for a minute")
	}
	oneByOne := c.Flags().Bool("one-by-one", false, verb+" one server after the other; stop at the first failure")
	if verb != "start" {
		c.MarkFlagsMutuallyExclusive("when-empty", "one-by-one")
	}
	wait := c.Flags().Bool("wait", false, "wait until the jobs have ended")
	c.RunE = func(c *cobra.Command, args []string) error {
		if *empty || *oneByOne {
			r := apitype.BulkRequest{
				Action: verb, Mode: "one-by-one", Servers: args, Blueprint: which.blueprint, NeedsRestart: which.needsRestart,
				All: which.all || which.needsRestart && which.blueprint == "",
			}
			if *empty {
				r.Mode = "empty"
			}
			if err := cmd.bulk(c.Context(), r, *wait); err != nil {
				return fmt.Errorf("%s: %w", verb, err)
			}
			return nil
		}
		names, err := cmd.chosen(c.Context(), verb, which, args)
		if err != nil {
			return fmt.Errorf("%s: %w", verb, err)
		}
		if len(names) == 0 && !cmd.app.quiet && !cmd.app.json {
			fmt.Fprintf(cmd.app.Out, "nothing to %s: %s\n", verb, idle[verb])
		}
		return cmd.eachServer(c.Context(), verb, names, *wait)
	}
	return c
}

// check checks that the arguments and flags select servers unambiguously.
func (s selection) check(c *cobra.Command, args []string) error {
	if s.several() == (len(args) > 0) {
		return left4me.NewError(left4me.Invalid, "usage.servers", "command", name(c), "help", c.CommandPath())
	}
	return nil
}

// chosen returns the selected servers: those given by name, without duplicates, or those that the
// command would change.
func (cmd serverCommands) chosen(ctx context.Context, verb string, which selection, args []string) (names []left4me.Name, err error) {
	if !which.several() {
		for _, arg := range args {
			n, err := left4me.ParseName(arg)
			if err != nil {
				return nil, err
			}
			if !slices.Contains(names, n) {
				names = append(names, n)
			}
		}
		return names, nil
	}
	if which.blueprint != "" {
		_, path, err := blueprintPath(which.blueprint)
		if err != nil {
			return nil, err
		}
		if _, err := cmd.app.call(ctx, http.MethodGet, path, nil, nil); err != nil {
			return nil, err
		}
	}
	var all []apitype.GameServer
	if _, err := cmd.app.call(ctx, http.MethodGet, "/servers", nil, &all); err != nil {
		return nil, err
	}
	for _, s := range all {
		if s.Name.Valid() && which.matches(s) && wants[verb](s) {
			names = append(names, s.Name)
		}
	}
	return names, nil
}

// eachServer creates all jobs and, if wait is set, waits for each. A failure on one server does not
// affect the others.
func (cmd serverCommands) eachServer(ctx context.Context, verb string, names []left4me.Name, wait bool) error {
	var failed output.Failures
	begun := make([]apitype.Job, len(names))
	raws := make([]json.RawMessage, len(names))
	for i, n := range names {
		if verb != "start" {
			sayPlaying(ctx, cmd.app, verb, n)
		}
		var err error
		raws[i], err = cmd.app.call(ctx, http.MethodPost, "/servers/"+string(n)+"/"+verb, nil, &begun[i])
		if err != nil {
			failed = append(failed, fmt.Errorf("%s %s: %w", verb, n, err))
		}
	}
	for i, n := range names {
		if raws[i] == nil {
			continue
		}
		if err := cmd.app.finish(ctx, verb+" "+string(n), begun[i], raws[i], wait); err != nil {
			failed = append(failed, fmt.Errorf("%s %s: %w", verb, n, err))
		}
		if ctx.Err() != nil {
			break // the jobs continue without being waited for
		}
	}
	return failed.Err()
}

// sayPlaying prints how many people are playing on a server that is about to be stopped or restarted. It
// ignores errors, because the action reports the same.
func sayPlaying(ctx context.Context, a *app, verb string, n left4me.Name) {
	if a.quiet || a.json {
		return
	}
	var s apitype.GameServer
	if _, err := a.call(ctx, http.MethodGet, "/servers/"+string(n), nil, &s); err != nil || s.Players == 0 {
		return
	}
	fmt.Fprintf(a.Err, "%s %s: disconnects %s; --when-empty waits for them\n", verb, n, output.Count(s.Players, "player"))
}

// bulk starts, stops or restarts servers when empty or one after the other.
func (cmd serverCommands) bulk(ctx context.Context, r apitype.BulkRequest, wait bool) error {
	var a apitype.BulkAct
	raw, err := cmd.app.call(ctx, http.MethodPost, "/bulk", r, &a)
	if err != nil {
		return err
	}
	for wait && a.State == "running" {
		if err := sleep.For(ctx, time.Second); err != nil {
			return err
		}
		if raw, err = cmd.app.call(ctx, http.MethodGet, bulkPath(a.ID), nil, &a); err != nil {
			return err
		}
	}
	err = cmd.app.print(raw, func(w io.Writer) {
		if cmd.app.quiet {
			fmt.Fprintln(w, a.ID)
			return
		}
		writeBulkAct(w, a)
		if a.State == "running" {
			fmt.Fprintf(w, "to cancel: left4me server cancel %s\n", output.OneLine(a.ID))
		}
	})
	if err != nil || a.State != "failed" {
		return err
	}
	for _, s := range a.Servers {
		if s.State == "failed" && s.Why != nil {
			return fmt.Errorf("%s: %w", s.Server, s.Why)
		}
	}
	return left4me.NewError(left4me.Unavailable, "job.interrupted")
}

// bulkPath returns the path of a bulk act.
func bulkPath(id string) string { return "/bulk/" + url.PathEscape(id) }

// writeBulkAct prints a bulk act and its servers.
func writeBulkAct(w io.Writer, a apitype.BulkAct) {
	mode := map[string]string{"empty": "when empty", "one-by-one": "one after the other", "now": "at once"}[a.Mode]
	fmt.Fprintf(w, "%s %s, %s, by %s: %s\n", output.OneLine(a.ID), a.Action, mode, output.OneLine(a.By), a.State)
	states := map[string]string{"moving": "in progress", "moved": "done", "left": "unchanged"}
	for _, s := range a.Servers {
		text := cmp.Or(states[s.State], s.State)
		if s.Why != nil {
			text += ": " + output.OneLine(s.Why.Text)
		}
		fmt.Fprintf(w, "  %s: %s\n", s.Server, text)
	}
}

// waiting returns the command that lists starts, stops and restarts that wait.
func (cmd serverCommands) waiting() *cobra.Command {
	c := &cobra.Command{
		Use: "waiting", Short: "List starts, stops and restarts that wait", Args: NoArguments,
		Long: "List the starts, stops and restarts with --when-empty or --one-by-one that have not\nended.",
	}
	c.RunE = func(c *cobra.Command, _ []string) error {
		var all left4me.Page[apitype.BulkAct]
		raw, err := cmd.app.call(c.Context(), http.MethodGet, "/bulk?limit=1000", nil, &all)
		if err != nil {
			return fmt.Errorf("list what waits: %w", err)
		}
		return cmd.app.print(raw, func(w io.Writer) {
			for _, a := range all.Items {
				switch {
				case a.State != "running":
				case cmd.app.quiet:
					fmt.Fprintln(w, output.OneLine(a.ID))
				default:
					writeBulkAct(w, a)
				}
			}
		})
	}
	return c
}

// cancel returns the command that cancels a start, stop or restart that waits.
func (cmd serverCommands) cancel() *cobra.Command {
	c := &cobra.Command{
		Use: "cancel ID", Short: "Cancel a start, stop or restart that waits", Args: one("the ID that server waiting prints"),
		Long: "Cancel a start, stop or restart with --when-empty or --one-by-one. Servers that wait\n" +
			"are left unchanged; jobs in progress continue.",
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		var a apitype.BulkAct
		raw, err := cmd.app.call(c.Context(), http.MethodDelete, bulkPath(args[0]), nil, &a)
		if err != nil {
			return fmt.Errorf("cancel %s: %w", args[0], err)
		}
		return cmd.app.print(raw, func(w io.Writer) {
			if !cmd.app.quiet {
				writeBulkAct(w, a)
			}
		})
	}
	return c
}

// act returns a command that creates a job on a server. loss describes the data that the job
// deletes.
func (cmd serverCommands) act(verb, short, loss string) *cobra.Command {
	c := &cobra.Command{Use: verb + " NAME", Short: short, Args: one("the name of a server"), ValidArgsFunction: cmd.app.servers}
	wait := c.Flags().Bool("wait", false, "wait until the job has ended")
	yes := new(bool)
	if loss != "" {
		yes = c.Flags().BoolP("yes", "y", false, "do not ask for confirmation")
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		n, path, err := serverPath(args[0])
		if err != nil {
			return fmt.Errorf("%s: %w", verb, err)
		}
		what := verb + " " + string(n)
		if loss != "" && !*yes {
			if err := cmd.app.confirm(c.Context(), n, loss); err != nil {
				return fmt.Errorf("%s: %w", what, err)
			}
		}
		if verb == "delete" {
			return cmd.app.begin(c.Context(), what, http.MethodDelete, path, nil, *wait)
		}
		return cmd.app.begin(c.Context(), what, http.MethodPost, path+"/"+verb, nil, *wait)
	}
	return c
}

// rename returns the command that renames a server.
func (cmd serverCommands) rename() *cobra.Command {
	c := &cobra.Command{
		Short: "Rename a server",
		Long: "Rename a server, even while it is running.\n\n" +
			"The new name applies immediately. Files, logs and the unit on the host keep the old\n" +
			"name until the next start; until then, no other server can have either name.",
		ValidArgsFunction: cmd.app.servers,
	}
	return cmd.app.renaming(c, "a server", "its files keep the old name until its next start", serverPath)
}

// deletedPath returns the path of a deleted server in the API, for its name or its id.
func deletedPath(arg string) (string, error) {
	n, err := left4me.ParseName(arg)
	return "/deleted-servers/" + string(n), err
}

// listDeleted prints the deleted servers that can be restored.
func (cmd serverCommands) listDeleted(ctx context.Context) error {
	var found left4me.Page[apitype.DeletedServer]
	raw, err := cmd.app.call(ctx, http.MethodGet, "/deleted-servers?limit=1000", nil, &found)
	if err != nil {
		return fmt.Errorf("list deleted servers: %w", err)
	}
	all := found.Items
	return cmd.app.print(raw, func(w io.Writer) {
		if cmd.app.quiet {
			for _, s := range all {
				fmt.Fprintln(w, s.Name)
			}
			return
		}
		fmt.Fprintln(w, "NAME\tDELETED\tBY\tSIZE\tPORT\tKEPT UNTIL\tID")
		for _, s := range all {
			by := output.OneLine(s.DeletedBy)
			if s.Backup != "" {
				by += " from " + string(s.Backup)
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%s\t%s\n", s.Name, output.Moment(s.DeletedAt), by, bytesize.MB(s.Bytes), s.Port,
				output.Moment(s.GoneAt), s.ID)
		}
	})
}

// deletedServers completes the names of deleted servers.
func (cmd serverCommands) deletedServers(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, noFiles
	}
	var found left4me.Page[apitype.DeletedServer]
	if _, err := cmd.app.call(c.Context(), http.MethodGet, "/deleted-servers", nil, &found); err != nil {
		return nil, noFiles
	}
	var names []string
	for _, v := range found.Items {
		names = append(names, string(v.Name))
	}
	return names, noFiles
}

// restore returns the command that restores a deleted server.
func (cmd serverCommands) restore() *cobra.Command {
	var in apitype.RestoreServer
	c := &cobra.Command{
		Use: "restore NAME", Short: "Restore a deleted server", Args: one("the name or the id of a deleted server"),
		Long: "Restore a server that was deleted in the last 7 days, with its settings, overlays and\n" +
			"the files that it wrote. Several deleted servers can have the same name: a name means\n" +
			"the last deleted one, an id from list --deleted means exactly one. If its name or\n" +
			"port is in use by now, it gets a free one. The server is not started.\n\n" +
			"To restore a server from a backup, see left4me backup restore-server.",
		ValidArgsFunction: cmd.deletedServers,
	}
	c.Flags().StringVar(&in.Name, "as", "", "new name of the server")
	c.Flags().IntVar(&in.Port, "port", 0, "new port of the server")
	c.RunE = func(c *cobra.Command, args []string) error {
		path, err := deletedPath(args[0])
		if err != nil {
			return fmt.Errorf("restore: %w", err)
		}
		var r apitype.RestoredServer
		raw, err := cmd.app.call(c.Context(), http.MethodPost, path+"/restore", in, &r)
		if err != nil {
			return fmt.Errorf("restore %s: %w", args[0], err)
		}
		cmd.app.warn(r.Server.Warnings)
		return cmd.app.print(raw, func(w io.Writer) {
			if !cmd.app.quiet {
				writeRestored(w, r)
			}
		})
	}
	return c
}

func writeRestored(w io.Writer, r apitype.RestoredServer) {
	fmt.Fprintf(w, "%s restored on port %d\n", r.Server.Name, r.Server.Port)
	if r.FormerName != "" {
		fmt.Fprintf(w, "its former name %s is in use\n", output.OneLine(string(r.FormerName)))
	}
	if r.FormerPort != 0 {
		fmt.Fprintf(w, "its former port %d is in use\n", r.FormerPort)
	}
	if r.FormerBlueprint != "" {
		fmt.Fprintf(w, "its blueprint %s no longer exists; it uses %s\n", output.OneLine(string(r.FormerBlueprint)), r.Server.Blueprint)
	}
	for _, o := range r.Missing {
		fmt.Fprintf(w, "its overlay %s no longer exists\n", output.OneLine(o))
	}
}

// purge returns the command that permanently removes a deleted server.
func (cmd serverCommands) purge() *cobra.Command {
	c := &cobra.Command{
		Use: "purge NAME", Short: "Remove a deleted server for good", Args: one("the name or the id of a deleted server"),
		Long:              "Remove a deleted server and its files for good. It can't be restored afterwards.",
		ValidArgsFunction: cmd.deletedServers,
	}
	yes := c.Flags().BoolP("yes", "y", false, "do not ask for confirmation")
	c.RunE = func(c *cobra.Command, args []string) error {
		path, err := deletedPath(args[0])
		if err != nil {
			return fmt.Errorf("purge: %w", err)
		}
		if !*yes {
			if err := cmd.app.confirm(c.Context(), left4me.Name(args[0]), "this removes its files for good"); err != nil {
				return fmt.Errorf("purge %s: %w", args[0], err)
			}
		}
		raw, err := cmd.app.call(c.Context(), http.MethodDelete, path, nil, nil)
		if err != nil {
			return fmt.Errorf("purge %s: %w", args[0], err)
		}
		return cmd.app.print(raw, func(w io.Writer) {
			if !cmd.app.quiet {
				fmt.Fprintf(w, "%s removed for good\n", args[0])
			}
		})
	}
	return c
}
