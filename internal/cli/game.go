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

// gameCommands are the commands about the game's builds: left4me game.
type gameCommands struct{ app *app }

func (cmd gameCommands) command() *cobra.Command {
	host := string(cmd.app.Host)
	c := group("game", "The game itself: which build a host has",
		cmd.status(&host),
		cmd.act(&host, "install", "Install the game"),
		cmd.act(&host, "update", "Update the game; servers that run are not touched"),
		cmd.act(&host, "verify", "Verify the files of the game and mend them"),
		cmd.act(&host, "rollback", "Go back to the build before, or to another one"),
		cmd.act(&host, "check", "Ask Steam for the newest build"),
		cmd.pin(&host, "pin", "Keep the current build: no update may replace it", true),
		cmd.pin(&host, "unpin", "Let updates replace the build again", false),
		cmd.policy(&host), cmd.cancel(&host))
	c.PersistentFlags().StringVar(&host, "host", host, "the host whose game it is")
	return c
}

// gamePath is where the game of a host is in the API.
func gamePath(host string) (string, error) {
	n, err := left4me.ParseName(host)
	return "/hosts/" + string(n) + "/game", err
}

// act is a command that asks for a job on the game.
func (cmd gameCommands) act(host *string, verb, short string) *cobra.Command {
	var in apitype.GameRequest
	c := &cobra.Command{Use: verb, Short: short, Args: NoArguments}
	wait := c.Flags().Bool("wait", false, "wait until it is done")
	if verb != "check" {
		c.Flags().StringVar(&in.Restart, "restart", "",
			"when servers that are up move over: never, now, empty or an hour like 04:30 (never)")
	}
	if verb == "rollback" {
		c.Flags().Int64Var(&in.Build, "build", 0, "the build to go to; without it, the one before")
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
	c := &cobra.Command{Use: "status", Short: "Show which build there is, and how servers move over", Args: NoArguments}
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
	checked := "Steam was never asked"
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
			text += ", 1 server runs on it"
		default:
			text += fmt.Sprintf(", %d servers run on it", n)
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
		return "Steam is not asked by itself"
	}
	text := fmt.Sprintf("Steam is asked every %d h", p.CheckHours)
	if !p.Update {
		return text + ", nothing is updated by itself"
	}
	when := "at once"
	if p.UpdateAt != "" {
		when = "at " + p.UpdateAt
	}
	return text + ", a newer build is installed " + when + "; restarts: " + p.Restart
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
				fmt.Fprintf(w, "build %d is %sned\n", g.Current, use)
			}
		})
	}
	return c
}

func (cmd gameCommands) policy(host *string) *cobra.Command {
	c := &cobra.Command{
		Use: "policy", Short: "Show or say when newer builds are looked for and installed", Args: NoArguments,
		Long: "Show when Steam is asked for a newer build and what happens when there is one.\n" +
			"With a flag, change that; what no flag names stays as it is.",
	}
	flags := c.Flags()
	check := flags.String("check", "", "hours between two checks, like 6h, or off")
	update := flags.String("update", "", "on or off: install a newer build without being asked")
	at := flags.String("at", "", "the hour of the day for that, like 04:30, or any")
	restart := flags.String("restart", "", "when servers move over then: never, now, empty or an hour like 04:30")
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

// changed reports whether one of these flags was given.
func changed(c *cobra.Command, flags ...string) bool {
	for _, f := range flags {
		if c.Flags().Changed(f) {
			return true
		}
	}
	return false
}

// changePolicy takes over what flags say; an empty one says nothing.
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
		Use: "stay", Short: "Leave servers that have not moved over as they are", Args: NoArguments,
		Long: "Cancel the rollout: servers that have not moved over to the current build stay\non theirs until somebody restarts them.",
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
