package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/left4me/left4me/internal/api/apitype"
	"github.com/left4me/left4me/internal/cli/output"
	"github.com/left4me/left4me/internal/left4me"
)

// serverCommands are the subcommands of left4me server.
type serverCommands struct{ app *app }

func (cmd serverCommands) command() *cobra.Command {
	return group("server", "Manage dedicated servers",
		cmd.list(), cmd.show(), cmd.create(), duplicateServer(cmd), cmd.set(), cmd.settings(), cmd.config(),
		cmd.actOnSeveral("start", "Start servers", "With --all or --blueprint, running servers are skipped."),
		cmd.actOnSeveral("stop", "Stop servers", "With --all or --blueprint, servers that are stopped on request are skipped."),
		cmd.actOnSeveral("restart", "Restart servers",
			"A stopped server that is given by name is started. With --all or --blueprint, only\nrunning servers are restarted."),
		cmd.act("reset", "Delete the files that a server wrote and start it again", "this deletes every file that it wrote"),
		cmd.waiting(), cmd.cancel(),
		cmd.rename(),
		cmd.act("delete", "Delete a server; it can be restored for 7 days", "its files and logs are kept for 7 days, then removed"),
		cmd.restore(), cmd.purge(),
		cmd.address(), cmd.console(), cmd.logs(), cmd.reach(), cmd.maps(), cmd.changeMap(),
		cmd.files(), cmd.cat(), cmd.written(), cmd.discard(), cmd.promote(), cmd.pending(), cmd.compare(),
		cmd.conflicts())
}

// serverPath returns the path of a server in the API.
func serverPath(arg string) (left4me.Name, string, error) {
	n, err := left4me.ParseName(arg)
	return n, "/servers/" + string(n), err
}

func (cmd serverCommands) list() *cobra.Command {
	c := &cobra.Command{Use: "list", Aliases: []string{"ls"}, Short: "List servers", Args: NoArguments}
	deleted := c.Flags().Bool("deleted", false, "list the deleted servers that can be restored")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if *deleted {
			return cmd.listDeleted(c.Context())
		}
		var all []apitype.GameServer
		raw, err := cmd.app.call(c.Context(), http.MethodGet, "/servers", nil, &all)
		if err != nil {
			return fmt.Errorf("list servers: %w", err)
		}
		return cmd.app.print(raw, func(w io.Writer) {
			if cmd.app.quiet {
				for _, s := range all {
					fmt.Fprintln(w, s.Name)
				}
				return
			}
			fmt.Fprintln(w, "NAME\tSTATE\tPLAYERS\tMAP\tPORT\tBLUEPRINT")
			for _, s := range all {
				players := ""
				if s.MaxPlayers > 0 {
					players = fmt.Sprintf("%d/%d", s.Players, s.MaxPlayers)
				}
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%s\n", s.Name, listState(s), players, output.OneLine(s.Map), s.Port, s.Blueprint)
			}
		})
	}
	return c
}

func (cmd serverCommands) show() *cobra.Command {
	c := &cobra.Command{Use: "show NAME", Short: "Show a server", Args: one("the name of a server"), ValidArgsFunction: cmd.app.servers}
	c.RunE = func(c *cobra.Command, args []string) error {
		n, path, err := serverPath(args[0])
		if err != nil {
			return fmt.Errorf("show: %w", err)
		}
		var s apitype.GameServer
		raw, err := cmd.app.call(c.Context(), http.MethodGet, path, nil, &s)
		if err != nil {
			return fmt.Errorf("show %s: %w", n, err)
		}
		return cmd.app.print(raw, func(w io.Writer) { writeServer(w, s) })
	}
	return c
}

func writeServer(w io.Writer, s apitype.GameServer) {
	state := string(s.State)
	if !s.Since.IsZero() {
		state += " since " + output.Moment(s.Since)
	}
	output.Row(w, "name", string(s.Name))
	output.Row(w, "state", state)
	if !s.StartedAt.IsZero() {
		output.Row(w, "uptime", time.Since(s.StartedAt).Truncate(time.Second).String())
	}
	output.Row(w, "reason", s.Reason)
	output.Row(w, "wanted", wantedText(s))
	output.Row(w, "autostart", string(s.Autostart))
	output.Row(w, "hostname", s.Hostname)
	output.Row(w, "address", s.Address)
	output.Row(w, "connect", s.Connect)
	output.Row(w, "map", mapText(s))
	output.Row(w, "mode", output.OneLine(s.Mode))
	if s.MaxPlayers > 0 {
		output.Row(w, "players", fmt.Sprintf("%d of %d, %d bots", s.Players, s.MaxPlayers, s.Bots))
	}
	for _, p := range s.Online {
		output.Row(w, "player", playerText(p))
	}
	output.Row(w, "port", strconv.Itoa(s.Port))
	output.Row(w, "blueprint", string(s.Blueprint))
	output.Row(w, "overlays", strings.Join(s.Overlays, " "))
	output.Row(w, "host", string(s.Host))
	output.Row(w, "name on host", string(s.NameOnHost))
	if s.PID > 0 {
		output.Row(w, "pid", strconv.Itoa(s.PID))
	}
	if s.Restarts > 0 {
		output.Row(w, "restarts", fmt.Sprintf("%d after crashes or unrequested exits", s.Restarts))
	}
	if s.RestartRequired {
		output.Row(w, "settings", "changed; restart to apply")
	}
	switch {
	case s.NewBuild > 0:
		output.Row(w, "game", fmt.Sprintf("build %d; restart for build %d", s.Build, s.NewBuild))
	case s.Build > 0:
		output.Row(w, "game", fmt.Sprintf("build %d", s.Build))
	}
	for _, c := range s.NewContent {
		output.Row(w, "overlay", contentChange(c))
	}
	for _, x := range s.Warnings {
		output.Row(w, "warning", x.Text+"; "+x.Hint)
	}
	if j := s.FailedJob; j != nil {
		output.Row(w, "failed", fmt.Sprintf("%s: %s (job %s)", j.Kind.Verb(), j.Error.Error(), j.ID))
	}
	if s.Job != nil {
		output.Row(w, "job", fmt.Sprintf("%s %s, %s", s.Job.Kind.Verb(), s.Job.State, s.Job.ID))
	}
}

// mapText returns the map of a server with its campaign and chapter.
func mapText(s apitype.GameServer) string {
	name := cmp.Or(s.Map, s.Settings.Map)
	switch {
	case s.Place == nil:
		return s.Map
	case name == "":
		return output.OneLine(s.Place.String())
	}
	return output.OneLine(fmt.Sprintf("%s (%s)", s.Place, name))
}

// listState returns the state of a server for a list, with the failed job if the state does not
// show the failure.
func listState(s apitype.GameServer) string {
	state := output.OneLine(string(s.State))
	if s.FailedJob != nil && s.State != left4me.Failed {
		state += ", " + output.OneLine(s.FailedJob.Kind.Verb()) + " failed"
	}
	return state
}

// playerText describes a player: name, score and time connected.
func playerText(p apitype.Player) string {
	who := p.Name
	if strings.TrimSpace(who) == "" {
		who = "(connecting)" // A2S reports no name until the player has joined
	}
	if p.Bot {
		who += " (bot)"
	}
	return fmt.Sprintf("%s, %d points, %s", who, p.Score, time.Duration(p.Seconds)*time.Second)
}

// wantedText returns the desired state of a server and who requested it.
func wantedText(s apitype.GameServer) string {
	if s.WantedBy == "" {
		return string(s.Wanted)
	}
	return string(s.Wanted) + ", requested by " + s.WantedBy
}

// contentChange describes how a restart would change an overlay of a server.
func contentChange(c left4me.OverlayChange) string {
	switch {
	case c.From == 0:
		return fmt.Sprintf("restart to add %s@%d", c.Overlay, c.To)
	case c.To == 0:
		return fmt.Sprintf("%s@%d; restart to remove it", c.Overlay, c.From)
	}
	return fmt.Sprintf("%s@%d; restart to apply revision %d", c.Overlay, c.From, c.To)
}

func (cmd serverCommands) create() *cobra.Command {
	var in apitype.NewServer
	var port int
	c := &cobra.Command{
		Use: "create NAME", Short: "Create a server", Args: one("the name of a server"), ValidArgsFunction: cobra.NoFileCompletions,
		Long: "Create a server. The default port is the next free one, the default blueprint is\n" +
			"called default. The server is not started.",
	}
	flags := c.Flags()
	flags.StringVar(&in.Host, "host", "", "host to run the server on")
	flags.IntVar(&port, "port", 0, "port to listen on")
	flags.StringVar(&in.Blueprint, "blueprint", "", "blueprint of the server")
	autostartFlag(c, &in.Autostart)
	overlays := cmd.app.overlaysFlag(c)
	settings := addSettings(c)
	cmd.app.completeFlag(c, "blueprint", "/blueprints")
	c.RunE = func(c *cobra.Command, args []string) error {
		if _, err := left4me.ParseName(args[0]); err != nil {
			return fmt.Errorf("create: %w", err)
		}
		if c.Flags().Changed("port") {
			if port == 0 {
				return left4me.NewError(left4me.Invalid, "usage.create_port_zero", "server", args[0])
			}
			in.Port = &port
		}
		in.Name, in.Overlays = args[0], overlays()
		if err := settings.apply(c.Flags(), &in.Settings); err != nil {
			return fmt.Errorf("create %s: %w", args[0], err)
		}
		var s apitype.GameServer
		raw, err := cmd.app.call(c.Context(), http.MethodPost, "/servers", in, &s)
		if err != nil {
			return fmt.Errorf("create %s: %w", args[0], err)
		}
		cmd.app.warn(s.Warnings)
		return cmd.app.print(raw, func(w io.Writer) {
			if !cmd.app.quiet {
				fmt.Fprintf(w, "%s created on port %d\n", s.Name, s.Port)
			}
		})
	}
	return c
}

func duplicateServer(cmd serverCommands) *cobra.Command {
	var in apitype.ServerCopy
	var port int
	var start bool
	c := &cobra.Command{
		Use: "duplicate NAME", Short: "Create a copy of a server", Args: one("the name of a server"), ValidArgsFunction: cmd.app.servers,
		Long: "Create a server with the settings, overlays and blueprint of another one. Files\n" +
			"that the other server wrote are not copied. Passwords are copied only with\n--passwords.",
	}
	flags := c.Flags()
	flags.StringVar(&in.Name, "name", "", "name of the copy (default: the next free number)")
	flags.IntVar(&port, "port", 0, "port to listen on (default: the next free port)")
	flags.BoolVar(&in.Passwords, "passwords", false, "also copy the passwords")
	flags.BoolVar(&start, "start", false, "start the copy")
	c.RunE = func(c *cobra.Command, args []string) error {
		n, path, err := serverPath(args[0])
		if err != nil {
			return fmt.Errorf("duplicate: %w", err)
		}
		if c.Flags().Changed("port") {
			in.Port = &port
		}
		var s apitype.GameServer
		raw, err := cmd.app.call(c.Context(), http.MethodPost, path+"/duplicate", in, &s)
		if err != nil {
			return fmt.Errorf("duplicate %s: %w", n, err)
		}
		if start {
			if err := cmd.app.startNew(c.Context(), s.Name); err != nil {
				return err
			}
		}
		cmd.app.warn(s.Warnings)
		return cmd.app.print(raw, func(w io.Writer) {
			if !cmd.app.quiet {
				fmt.Fprintf(w, "%s created on port %d\n", s.Name, s.Port)
			}
		})
	}
	return c
}

// startNew starts a server that was just created.
func (a *app) startNew(ctx context.Context, n left4me.Name) error {
	if _, err := a.call(ctx, http.MethodPost, "/servers/"+string(n)+"/start", nil, nil); err != nil {
		return fmt.Errorf("start %s: %w", n, err)
	}
	return nil
}

func (cmd serverCommands) reach() *cobra.Command {
	c := &cobra.Command{
		Use: "reach NAME", Short: "Check why players cannot join a server", Args: one("the name of a server"),
		ValidArgsFunction: cmd.app.servers,
		Long: "Check why players cannot join or find a server: from its process outwards to\n" +
			"Steam, stopping at the first problem that keeps all players out. The exit code is\n1 if there is such a problem.",
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		n, path, err := serverPath(args[0])
		if err != nil {
			return fmt.Errorf("reach: %w", err)
		}
		var r apitype.ServerReach
		raw, err := cmd.app.call(c.Context(), http.MethodGet, path+"/reach", nil, &r)
		if err != nil {
			return fmt.Errorf("reach %s: %w", n, err)
		}
		err = cmd.app.print(raw, func(w io.Writer) {
			if !cmd.app.quiet {
				output.WriteChecks(w, r.Checks)
			}
			switch {
			case r.First == nil:
				fmt.Fprintf(w, "no problem found that keeps players from %s, as seen from its host\n", n)
			case r.Joinable:
				fmt.Fprintf(w, "players can join %s; first warning: %s\n", n, output.OneLine(r.First.Text))
			default:
				fmt.Fprintf(w, "players cannot join %s: %s\n", n, output.OneLine(r.First.Text))
			}
		})
		if err == nil && !r.Joinable {
			return output.ErrFailed
		}
		return err
	}
	return c
}
