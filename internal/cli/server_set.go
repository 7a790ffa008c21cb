package cli

import (
	"context"
	"fmt"
	"io"
	"net/http"

	"github.com/spf13/cobra"

	"github.com/left4me/left4me/internal/api/apitype"
	"github.com/left4me/left4me/internal/cli/output"
	"github.com/left4me/left4me/internal/left4me"
)

// autostartFlag adds the flag for the autostart policy.
func autostartFlag(c *cobra.Command, into *string) {
	c.Flags().StringVar(into, "autostart", "", "when left4me starts the server automatically: last, always or never")
	_ = c.RegisterFlagCompletionFunc("autostart", cobra.FixedCompletions([]string{
		"last	if it was running", "always	also at each boot", "never	not at boot",
	}, noFiles))
}

func (cmd serverCommands) set() *cobra.Command {
	c := &cobra.Command{
		Use: "set NAME", Short: "Change a server", Args: one("the name of a server"), ValidArgsFunction: cmd.app.servers,
		Long: "Change a server. Settings without a flag are unchanged; an empty value resets a\n" +
			"setting to the blueprint's. A list replaces the server's own list. Changes apply at\n" +
			"the next start; left4me server config shows them in advance.",
	}
	var port int
	var blueprint, autostart string
	c.Flags().IntVar(&port, "port", 0, "port to listen on from the next start")
	c.Flags().StringVar(&blueprint, "blueprint", "", "blueprint of the server")
	autostartFlag(c, &autostart)
	overlays := cmd.app.overlaysFlag(c)
	settings := addSettings(c)
	cmd.app.completeFlag(c, "blueprint", "/blueprints")
	c.RunE = func(c *cobra.Command, args []string) error {
		n, path, err := serverPath(args[0])
		if err != nil {
			return fmt.Errorf("set: %w", err)
		}
		var now apitype.GameServer
		if _, err := cmd.app.call(c.Context(), http.MethodGet, path, nil, &now); err != nil {
			return fmt.Errorf("set %s: %w", n, err)
		}
		d := apitype.ServerDefinition{
			Version:   now.Version,
			Port:      now.Port,
			Blueprint: string(now.Blueprint),
			Overlays:  now.Overlays,
			Settings:  now.Settings,
			Autostart: autostart,
		}
		if c.Flags().Changed("port") {
			if port == 0 {
				return left4me.NewError(left4me.Invalid, "usage.set_port_zero", "server", n)
			}
			d.Port = port
		}
		if c.Flags().Changed("blueprint") {
			d.Blueprint = blueprint
		}
		if c.Flags().Changed("overlay") {
			d.Overlays = overlays()
		}
		if err := settings.apply(c.Flags(), &d.Settings); err != nil {
			return fmt.Errorf("set %s: %w", n, err)
		}
		var s apitype.GameServer
		raw, err := cmd.app.call(c.Context(), http.MethodPut, path, d, &s)
		if err != nil {
			return fmt.Errorf("set %s: %w", n, err)
		}
		cmd.app.warn(s.Warnings)
		return cmd.app.print(raw, func(w io.Writer) {
			switch {
			case cmd.app.quiet:
			case s.RestartRequired:
				fmt.Fprintf(w, "%s changed; restart to apply\n", n)
			default:
				fmt.Fprintf(w, "%s changed\n", n)
			}
		})
	}
	return c
}

func (cmd serverCommands) settings() *cobra.Command {
	c := &cobra.Command{
		Use:               "settings NAME",
		Short:             "Show the settings of a server and their sources",
		Args:              one("the name of a server"),
		ValidArgsFunction: cmd.app.servers,
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		n, path, err := serverPath(args[0])
		if err != nil {
			return fmt.Errorf("settings: %w", err)
		}
		var s apitype.GameServer
		raw, err := cmd.app.call(c.Context(), http.MethodGet, path, nil, &s)
		if err != nil {
			return fmt.Errorf("settings of %s: %w", n, err)
		}
		var b apitype.Blueprint
		if _, err := cmd.app.call(c.Context(), http.MethodGet, "/blueprints/"+string(s.Blueprint), nil, &b); err != nil {
			return fmt.Errorf("settings of %s: %w", n, err)
		}
		return cmd.app.print(raw, func(w io.Writer) { writeSettings(w, s.Settings, &b.Settings, b.Name) })
	}
	return c
}

func (cmd serverCommands) config() *cobra.Command {
	c := &cobra.Command{
		Use: "config NAME", Short: "Show what a restart would change in the files that left4me generates",
		Args: one("the name of a server"), ValidArgsFunction: cmd.app.servers,
	}
	all := c.Flags().Bool("all", false, "show the whole files, not only what changes")
	c.RunE = func(c *cobra.Command, args []string) error {
		n, path, err := serverPath(args[0])
		if err != nil {
			return fmt.Errorf("config: %w", err)
		}
		var d apitype.ConfigDiff
		raw, err := cmd.app.call(c.Context(), http.MethodGet, path+"/config", nil, &d)
		if err != nil {
			return fmt.Errorf("config of %s: %w", n, err)
		}
		var failed error
		err = cmd.app.print(raw, func(w io.Writer) {
			for _, f := range d.Files {
				if f.Running != f.Next || *all {
					fmt.Fprintf(w, "--- %s\n", output.OneLine(f.Path))
					if failed = writeDiff(c.Context(), w, f.Running, f.Next, *all); failed != nil {
						return
					}
				}
			}
			switch {
			case cmd.app.quiet:
			case d.Changed:
				fmt.Fprintln(w, "restart to apply")
			default:
				fmt.Fprintln(w, "a restart changes nothing")
			}
		})
		if failed != nil {
			return fmt.Errorf("config of %s: %w", n, failed)
		}
		return err
	}
	return c
}

// writeDiff shows lines that go with - and lines that come with +; all of them
// shows the others too. Errors: that of ctx.
func writeDiff(ctx context.Context, w io.Writer, was, is string, all bool) error {
	lines, err := left4me.DiffLines(ctx, was, is)
	for _, l := range lines {
		mark := "  "
		switch {
		case l.Was && !l.Is:
			mark = "- "
		case l.Is && !l.Was:
			mark = "+ "
		case !all:
			continue
		}
		fmt.Fprintf(w, "%s%s\n", mark, output.OneLine(l.Text))
	}
	return err
}

func (cmd serverCommands) address() *cobra.Command {
	c := &cobra.Command{
		Use: "address [ADDRESS]", Short: "Show or set the address that players connect to",
		Args: between(0, 1, "a host name or an IP address"),
		Long: "Show or set the host name or IP address that players connect to, without a port. It\n" +
			"is part of the connect command of every server. An empty ADDRESS (\"\") removes the\n" +
			"setting: then LEFT4ME_PUBLIC_ADDRESS of left4me serve counts, or else the address\n" +
			"that was detected on the host.",
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		var v apitype.PublicAddress
		method, in := http.MethodGet, any(nil)
		if len(args) > 0 {
			method, in = http.MethodPut, apitype.NewPublicAddress{Address: args[0]}
		}
		raw, err := cmd.app.call(c.Context(), method, "/public-address", in, &v)
		if err != nil {
			return fmt.Errorf("public address: %w", err)
		}
		return cmd.app.print(raw, func(w io.Writer) {
			switch {
			case cmd.app.quiet:
				fmt.Fprintln(w, output.OneLine(v.Address))
			case v.Address == "":
				fmt.Fprintln(w, "unknown")
			default:
				fmt.Fprintf(w, "%s (%s)\n", output.OneLine(v.Address), addressSource(v.Source))
			}
		})
	}
	return c
}

// addressSource describes the source of the public address.
func addressSource(source string) string {
	switch source {
	case "setting":
		return "set"
	case "environment":
		return "from LEFT4ME_PUBLIC_ADDRESS"
	case "host":
		return "detected on the host"
	}
	return output.OneLine(source)
}
