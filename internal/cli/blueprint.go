package cli

import (
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"github.com/left4me/left4me/internal/api/apitype"
	"github.com/left4me/left4me/internal/cli/output"
	"github.com/left4me/left4me/internal/left4me"
)

// blueprintCommands are the subcommands of left4me blueprint.
type blueprintCommands struct{ app *app }

func (cmd blueprintCommands) command() *cobra.Command {
	return group("blueprint", "Manage blueprints, the templates of servers",
		cmd.list(), cmd.show(), cmd.create(), cmd.createServers(), cmd.set(),
		cmd.rename(), cmd.delete())
}

func (cmd blueprintCommands) list() *cobra.Command {
	c := &cobra.Command{Use: "list", Aliases: []string{"ls"}, Short: "List blueprints", Args: NoArguments}
	c.RunE = func(c *cobra.Command, _ []string) error {
		var all []apitype.Blueprint
		raw, err := cmd.app.call(c.Context(), http.MethodGet, "/blueprints", nil, &all)
		if err != nil {
			return fmt.Errorf("list blueprints: %w", err)
		}
		return cmd.app.print(raw, func(w io.Writer) {
			if cmd.app.quiet {
				for _, b := range all {
					fmt.Fprintln(w, b.Name)
				}
				return
			}
			fmt.Fprintln(w, "NAME\tSERVERS\tOVERLAYS")
			for _, b := range all {
				fmt.Fprintf(w, "%s\t%d\t%s\n", b.Name, len(b.Servers), strings.Join(b.Overlays, " "))
			}
		})
	}
	return c
}

// blueprintPath returns the path of a blueprint in the API.
func blueprintPath(arg string) (left4me.Name, string, error) {
	n, err := left4me.ParseName(arg)
	return n, "/blueprints/" + string(n), err
}

// complete completes the single argument of a command.
func (cmd blueprintCommands) complete(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, noFiles
	}
	return cmd.app.names(c, "/blueprints", "name"), noFiles
}

func (cmd blueprintCommands) show() *cobra.Command {
	c := &cobra.Command{
		Use:               "show NAME",
		Short:             "Show a blueprint",
		Args:              one("the name of a blueprint"),
		ValidArgsFunction: cmd.complete,
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		n, path, err := blueprintPath(args[0])
		if err != nil {
			return fmt.Errorf("show blueprint: %w", err)
		}
		var b apitype.Blueprint
		raw, err := cmd.app.call(c.Context(), http.MethodGet, path, nil, &b)
		if err != nil {
			return fmt.Errorf("show blueprint %s: %w", n, err)
		}
		return cmd.app.print(raw, func(w io.Writer) {
			servers := make([]string, len(b.Servers))
			for i, s := range b.Servers {
				servers[i] = string(s)
			}
			output.Row(w, "name", string(b.Name))
			output.Row(w, "overlays", strings.Join(b.Overlays, " "))
			output.Row(w, "servers", strings.Join(servers, " "))
			fmt.Fprintln(w)
			writeSettings(w, b.Settings, nil, b.Name)
		})
	}
	return c
}

func (cmd blueprintCommands) create() *cobra.Command {
	c := &cobra.Command{
		Use:               "create NAME",
		Short:             "Create a blueprint",
		Args:              one("the name of a blueprint"),
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	overlays := cmd.app.overlaysFlag(c)
	settings := addSettings(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		if _, err := left4me.ParseName(args[0]); err != nil {
			return fmt.Errorf("create blueprint: %w", err)
		}
		in := apitype.NewBlueprint{Name: args[0], Overlays: overlays()}
		if err := settings.apply(c.Flags(), &in.Settings); err != nil {
			return fmt.Errorf("create blueprint %s: %w", args[0], err)
		}
		var b apitype.Blueprint
		raw, err := cmd.app.call(c.Context(), http.MethodPost, "/blueprints", in, &b)
		if err != nil {
			return fmt.Errorf("create blueprint %s: %w", args[0], err)
		}
		cmd.app.warn(b.Warnings)
		return cmd.app.print(raw, func(w io.Writer) {
			if !cmd.app.quiet {
				fmt.Fprintf(w, "blueprint %s created\n", args[0])
			}
		})
	}
	return c
}

func (cmd blueprintCommands) createServers() *cobra.Command {
	var in apitype.SeveralServers
	var port int
	var start bool
	c := &cobra.Command{
		Use: "create-servers NAME", Short: "Create several servers from a blueprint", Args: one("the name of a blueprint"),
		ValidArgsFunction: cmd.complete,
		Long: "Create several servers from a blueprint, all or none. In the pattern of the\n" +
			"names, # stands for the number and ## for a number with two digits. Names and\nports that are taken are skipped.",
		Example: "  left4me blueprint create-servers versus --count 5 --names 'versus-#' --start",
	}
	flags := c.Flags()
	flags.IntVarP(&in.Count, "count", "n", 2, "number of servers")
	flags.StringVar(&in.Names, "names", "", "pattern of the names (default: NAME-#)")
	flags.IntVar(&port, "first-port", 0, "lowest port (default: the next free ports)")
	flags.BoolVar(&in.Preview, "preview", false, "only show the names and ports")
	flags.BoolVar(&start, "start", false, "start the servers")
	c.RunE = func(c *cobra.Command, args []string) error {
		n, path, err := blueprintPath(args[0])
		if err != nil {
			return fmt.Errorf("create servers: %w", err)
		}
		if c.Flags().Changed("first-port") {
			in.FirstPort = &port
		}
		if in.Names == "" {
			in.Names = string(n) + "-#"
		}
		var out apitype.SeveralCreated
		raw, err := cmd.app.call(c.Context(), http.MethodPost, path+"/servers", in, &out)
		if err != nil {
			return fmt.Errorf("create servers from %s: %w", n, err)
		}
		for _, s := range out.Servers {
			if start && out.Created {
				if err := cmd.app.startNew(c.Context(), s.Name); err != nil {
					return err
				}
			}
		}
		return cmd.app.print(raw, func(w io.Writer) {
			if !cmd.app.quiet {
				fmt.Fprintln(w, "NAME\tPORT")
			}
			for _, s := range out.Servers {
				if cmd.app.quiet {
					fmt.Fprintln(w, s.Name)
				} else {
					fmt.Fprintf(w, "%s\t%d\n", s.Name, s.Port)
				}
			}
		})
	}
	return c
}

func (cmd blueprintCommands) set() *cobra.Command {
	c := &cobra.Command{
		Use: "set NAME", Short: "Change a blueprint", Args: one("the name of a blueprint"), ValidArgsFunction: cmd.complete,
		Long: "Change a blueprint. Settings without a flag are unchanged; an empty value unsets a\n" +
			"setting. Servers that use the blueprint apply the change when they start next.",
	}
	overlays := cmd.app.overlaysFlag(c)
	settings := addSettings(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		n, path, err := blueprintPath(args[0])
		if err != nil {
			return fmt.Errorf("set blueprint: %w", err)
		}
		var b apitype.Blueprint
		if _, err := cmd.app.call(c.Context(), http.MethodGet, path, nil, &b); err != nil {
			return fmt.Errorf("set blueprint %s: %w", n, err)
		}
		in := apitype.BlueprintDefinition{Version: b.Version, Overlays: b.Overlays, Settings: b.Settings}
		if c.Flags().Changed("overlay") {
			in.Overlays = overlays()
		}
		if err := settings.apply(c.Flags(), &in.Settings); err != nil {
			return fmt.Errorf("set blueprint %s: %w", n, err)
		}
		raw, err := cmd.app.call(c.Context(), http.MethodPut, path, in, &b)
		if err != nil {
			return fmt.Errorf("set blueprint %s: %w", n, err)
		}
		cmd.app.warn(b.Warnings)
		return cmd.app.print(raw, func(w io.Writer) {
			if !cmd.app.quiet {
				fmt.Fprintf(w, "blueprint %s changed\n", n)
			}
		})
	}
	return c
}

func (cmd blueprintCommands) rename() *cobra.Command {
	c := &cobra.Command{
		Short: "Rename a blueprint",
		Long: "Rename a blueprint. Servers that use it refer to it by the new name and need no\n" +
			"restart.",
		ValidArgsFunction: cmd.complete,
	}
	return cmd.app.renaming(c, "a blueprint", "", blueprintPath)
}

func (cmd blueprintCommands) delete() *cobra.Command {
	c := &cobra.Command{
		Use:               "delete NAME",
		Short:             "Delete a blueprint that no server uses",
		Args:              one("the name of a blueprint"),
		ValidArgsFunction: cmd.complete,
	}
	yes := c.Flags().BoolP("yes", "y", false, "do not ask for confirmation")
	c.RunE = func(c *cobra.Command, args []string) error {
		n, path, err := blueprintPath(args[0])
		if err != nil {
			return fmt.Errorf("delete blueprint: %w", err)
		}
		if !*yes {
			if err := cmd.app.confirm(c.Context(), n, "this deletes its settings and its list of overlays"); err != nil {
				return fmt.Errorf("delete blueprint %s: %w", n, err)
			}
		}
		raw, err := cmd.app.call(c.Context(), http.MethodDelete, path, nil, nil)
		if err != nil {
			return fmt.Errorf("delete blueprint %s: %w", n, err)
		}
		return cmd.app.print(raw, func(w io.Writer) {
			if !cmd.app.quiet {
				fmt.Fprintf(w, "blueprint %s deleted\n", n)
			}
		})
	}
	return c
}
