package cli

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/left4me/left4me/internal/api/apitype"
	"github.com/left4me/left4me/internal/bytesize"
	"github.com/left4me/left4me/internal/cli/output"
	"github.com/left4me/left4me/internal/left4me"
)

// gameCommands are the subcommands of left4me game.
type gameCommands struct{ app *app }

func (cmd gameCommands) command() *cobra.Command {
	host := string(cmd.app.Host)
	c := group("game", "Manage the game installation of a host",
		cmd.status(&host),
		cmd.act(&host, "install", "Install the game"),
		cmd.act(&host, "update", "Update the game; running servers are not restarted"),
		cmd.act(&host, "verify", "Verify the files of the game and repair them"),
		cmd.act(&host, "rollback", "Roll back to the previous build or to a given one"),
		cmd.act(&host, "check", "Check Steam for the newest build"),
		cmd.pin(&host, "pin", "Pin the current build, so that no update replaces it", true),
		cmd.pin(&host, "unpin", "Allow updates to replace the current build again", false),
		cmd.policy(&host), cmd.cancel(&host))
	c.PersistentFlags().StringVar(&host, "host", host, "host whose game installation is managed")
	return c
}

// gamePath returns the path of a host's game in the API.
func gamePath(host string) (string, error) {
	n, err := left4me.ParseName(host)
	return "/hosts/" + string(n) + "/game", err
}

// act returns a command that creates a job on the game.
func (cmd gameCommands) act(host *string, verb, short string) *cobra.Command {
	var in apitype.GameRequest
	c := &cobra.Command{Use: verb, Short: short, Args: NoArguments}
	wait := c.Flags().Bool("wait", false, "wait until the job has ended")
	if verb != "check" {
		c.Flags().StringVar(&in.Restart, "restart", "",
			"when running servers restart: never, now, empty (when nobody plays) or a time like 04:30 (default never)")
	}
	if verb == "rollback" {
		c.Flags().Int64Var(&in.Build, "build", 0, "target build (default: the previous build)")
	}
	c.RunE = func(c *cobra.Command, _ []string) error {
		path, err := gamePath(*host)
		if err != nil {
			return fmt.Errorf("%s the game: %w", verb, err)
		}
		return cmd.app.begin(c.Context(), verb+" the game", http.MethodPost, path+"/"+verb, in, *wait)
	}
	return c
}

func (cmd gameCommands) status(host *string) *cobra.Command {
	c := &cobra.Command{Use: "status", Short: "Show the installed builds and the rollout", Args: NoArguments}
	c.RunE = func(c *cobra.Command, _ []string) error {
		path, err := gamePath(*host)
		if err != nil {
			return fmt.Errorf("status of the game: %w", err)
		}
		var g apitype.Game
		raw, err := cmd.app.call(c.Context(), http.MethodGet, path, nil, &g)
		if err != nil {
			return fmt.Errorf("status of the game: %w", err)
		}
		return cmd.app.print(raw, func(w io.Writer) {
			if cmd.app.quiet {
				fmt.Fprintln(w, g.Current)
				return
			}
			writeGame(w, g)
		})
	}
	return c
}

func writeGame(w io.Writer, g apitype.Game) {
	output.Row(w, "host", g.Problem)
	switch {
	case !g.Known:
		return
	case g.Current == 0:
		output.Row(w, "game", "not installed; install it with: left4me game install")
	case g.Pinned:
		output.Row(w, "game", fmt.Sprintf("build %d, pinned", g.Current))
	default:
		output.Row(w, "game", fmt.Sprintf("build %d", g.Current))
	}
	checked := "Steam was never checked"
	if !g.CheckedAt.IsZero() {
		checked = "as of " + output.Moment(g.CheckedAt)
	}
	switch {
	case g.Outdated && g.Latest > 0:
		output.Row(w, "newest", fmt.Sprintf("build %d, %s", g.Latest, checked))
	case g.Outdated:
		output.Row(w, "newest", "another build, "+checked)
	case g.Latest > 0:
		output.Row(w, "newest", fmt.Sprintf("build %d, %s", g.Latest, checked))
	default:
		output.Row(w, "newest", checked)
	}
	output.Row(w, "", g.CheckNote)
	output.Row(w, "SteamCMD", g.SteamCMD)
	for _, b := range g.Builds {
		text := fmt.Sprintf("%d", b.Build)
		if b.Version != "" {
			text += ", version " + b.Version
		}
		text += ", " + bytesize.Format(b.Bytes)
		if !b.InstalledAt.IsZero() {
			text += ", installed " + output.Moment(b.InstalledAt)
		}
		switch n := len(b.Servers); n {
		case 0:
		case 1:
			text += ", used by 1 running server"
		default:
			text += fmt.Sprintf(", used by %d running servers", n)
		}
		output.Row(w, "build", text)
	}
	if g.Job != nil {
		output.Row(w, "job", fmt.Sprintf("%s %s, %s", g.Job.Kind.Verb(), g.Job.State, g.Job.ID))
	}
	writeRollout(w, g.Rollout)
	output.Row(w, "policy", policyText(g.Policy))
}

func writeRollout(w io.Writer, r *apitype.Rollout) {
	if r == nil {
		return
	}
	text := fmt.Sprintf("%s, mode %s", r.State, r.Mode)
	if r.Build > 0 {
		text = fmt.Sprintf("to build %d, %s", r.Build, text)
	}
	if r.Reason != "" {
		text += ": " + r.Reason
	}
	output.Row(w, "rollout", text)
	for _, m := range r.Servers {
		text := string(m.Server) + " " + m.State
		if m.Reason != "" {
			text += ": " + m.Reason
		}
		output.Row(w, "server", text)
	}
}

func policyText(p apitype.GamePolicy) string {
	if p.CheckHours == 0 {
		return "no scheduled checks"
	}
	text := fmt.Sprintf("Steam is checked every %d h", p.CheckHours)
	if !p.Update {
		return text + ", updates are not installed automatically"
	}
	when := "immediately"
	if p.UpdateAt != "" {
		when = "at " + p.UpdateAt
	}
	return text + ", a new build is installed " + when + "; restarts: " + p.Restart
}

func (cmd gameCommands) pin(host *string, use, short string, pinned bool) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, Args: NoArguments}
	c.RunE = func(c *cobra.Command, _ []string) error {
		path, err := gamePath(*host)
		if err != nil {
			return fmt.Errorf("%s the game: %w", use, err)
		}
		var g apitype.Game
		raw, err := cmd.app.call(c.Context(), http.MethodPost, path+"/pin", apitype.GamePin{Pinned: pinned}, &g)
		if err != nil {
			return fmt.Errorf("%s the game: %w", use, err)
		}
		return cmd.app.print(raw, func(w io.Writer) {
			if !cmd.app.quiet {
				fmt.Fprintf(w, "build %d %sned\n", g.Current, use)
			}
		})
	}
	return c
}

func (cmd gameCommands) policy(host *string) *cobra.Command {
	c := &cobra.Command{
		Use: "policy", Short: "Show or change the schedule of game updates", Args: NoArguments,
		Long: "Show when Steam is checked for a new build and what happens when one is found.\n" +
			"Flags change the schedule; values without a flag are unchanged.",
	}
	flags := c.Flags()
	check := flags.String("check", "", "hours between two checks, such as 6h, or off")
	update := flags.String("update", "", "on or off: install new builds automatically")
	at := flags.String("at", "", "time of day for updates, such as 04:30, or any")
	restart := flags.String("restart", "", "when servers restart: never, now, empty (when nobody plays) or a time like 04:30")
	c.RunE = func(c *cobra.Command, _ []string) error {
		path, err := gamePath(*host)
		if err != nil {
			return fmt.Errorf("policy for the game: %w", err)
		}
		var p apitype.GamePolicy
		raw, err := cmd.app.call(c.Context(), http.MethodGet, path+"/policy", nil, &p)
		if err == nil && changed(c, "check", "update", "at", "restart") {
			if err = changePolicy(&p, *check, *update, *at, *restart); err == nil {
				raw, err = cmd.app.call(c.Context(), http.MethodPut, path+"/policy", p, &p)
			}
		}
		if err != nil {
			return fmt.Errorf("policy for the game: %w", err)
		}
		return cmd.app.print(raw, func(w io.Writer) { fmt.Fprintln(w, output.OneLine(policyText(p))) })
	}
	return c
}

// changed reports whether one of the flags was given.
func changed(c *cobra.Command, flags ...string) bool {
	for _, f := range flags {
		if c.Flags().Changed(f) {
			return true
		}
	}
	return false
}

// changePolicy applies the flags' values to p. Empty values change nothing.
func changePolicy(p *apitype.GamePolicy, check, update, at, restart string) error {
	switch check {
	case "":
	case "off":
		p.CheckHours = 0
	default:
		hours, err := strconv.Atoi(strings.TrimSuffix(check, "h"))
		if err != nil || hours < 1 {
			return left4me.NewError(left4me.Invalid, "usage.check_hours", "value", output.Fit(check, 80))
		}
		p.CheckHours = hours
	}
	switch update {
	case "":
	case "on", "off":
		p.Update = update == "on"
	default:
		return left4me.NewError(left4me.Invalid, "usage.on_or_off", "value", output.Fit(update, 80))
	}
	switch at {
	case "":
	case "any":
		p.UpdateAt = ""
	default:
		p.UpdateAt = at
	}
	if restart != "" {
		p.Restart = restart
	}
	return nil
}

func (cmd gameCommands) cancel(host *string) *cobra.Command {
	c := &cobra.Command{
		Use: "stay", Short: "Cancel the rollout; pending servers keep their build", Args: NoArguments,
		Long: "Cancel the rollout: servers that were not restarted yet keep their build until\nthey are restarted for another reason.",
	}
	c.RunE = func(c *cobra.Command, _ []string) error {
		path, err := gamePath(*host)
		if err != nil {
			return fmt.Errorf("cancel the rollout: %w", err)
		}
		var r apitype.Rollout
		raw, err := cmd.app.call(c.Context(), http.MethodDelete, path+"/rollout", nil, &r)
		if err != nil {
			return fmt.Errorf("cancel the rollout: %w", err)
		}
		return cmd.app.print(raw, func(w io.Writer) {
			if !cmd.app.quiet {
				writeRollout(w, &r)
			}
		})
	}
	return c
}
