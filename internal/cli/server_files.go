package cli

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"github.com/left4me/left4me/internal/api/apitype"
	"github.com/left4me/left4me/internal/cli/output"
	"github.com/left4me/left4me/internal/left4me"
)

func (cmd serverCommands) files() *cobra.Command {
	var l listing
	c := &cobra.Command{
		Use: "files NAME", Short: "List the merged files of a server", Args: one("the name of a server"),
		ValidArgsFunction: cmd.app.servers,
		Long: "List the merged layers of a server, without mounting them. Each file shows the\n" +
			"layer that it comes from and the lower layers that also contain it.",
	}
	l.flags(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		n, path, err := serverPath(args[0])
		if err == nil {
			err = list(c.Context(), cmd.app, path+"/files", l.values(), "PATH\tBYTES\tLAYER\tHIDES", cmd.app.writeTreeFile)
		}
		if err != nil {
			return fmt.Errorf("files of %s: %w", n, err)
		}
		return nil
	}
	return c
}

func (cmd serverCommands) written() *cobra.Command {
	var l listing
	c := &cobra.Command{
		Use: "written NAME", Short: "List the files that a server wrote", Args: one("the name of a server"),
		ValidArgsFunction: cmd.app.servers,
	}
	l.flags(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		query := l.values()
		if l.dir == "" {
			query.Set("deep", "true")
		}
		n, path, err := serverPath(args[0])
		if err == nil {
			err = list(c.Context(), cmd.app, path+"/written", query, "PATH\tBYTES\tLAYER\tHIDES", cmd.app.writeTreeFile)
		}
		if err != nil {
			return fmt.Errorf("what %s wrote: %w", n, err)
		}
		return nil
	}
	return c
}

func (cmd serverCommands) cat() *cobra.Command {
	var inside string
	c := &cobra.Command{
		Use: "cat NAME PATH", Short: "Print a file of a server", ValidArgsFunction: cmd.app.servers,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 2 {
				return left4me.NewError(left4me.Invalid, "usage.server_and_path", "command", name(c), "help", c.CommandPath())
			}
			return nil
		},
	}
	c.Flags().StringVar(&inside, "inside", "", "file inside the add-on (VPK) at PATH")
	c.RunE = func(c *cobra.Command, args []string) error {
		n, path, err := serverPath(args[0])
		if err != nil {
			return fmt.Errorf("cat: %w", err)
		}
		var f apitype.ServerFile
		query := url.Values{"path": {args[1]}, "inside": {inside}}
		raw, err := cmd.app.call(c.Context(), http.MethodGet, path+"/file?"+query.Encode(), nil, &f)
		if err == nil && int64(len(f.Data)) < f.Size && !cmd.app.json {
			err = left4me.NewError(left4me.Invalid, "client.file_too_large_to_print", "path", args[1], "size", f.Size)
		}
		if err != nil {
			return fmt.Errorf("cat %s of %s: %w", args[1], n, err)
		}
		if cmd.app.json {
			return cmd.app.print(raw, nil)
		}
		_, err = cmd.app.Out.Write(f.Data)
		return err
	}
	return c
}

func (cmd serverCommands) discard() *cobra.Command {
	c := &cobra.Command{
		Use: "discard NAME PATH...", Short: "Discard files that a stopped server wrote", ValidArgsFunction: cmd.app.servers,
		Long: "Discard files that a stopped server wrote. The layers' versions become visible\n" +
			"again, also of deleted files. A directory is discarded with its contents.",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) < 2 {
				return left4me.NewError(left4me.Invalid, "usage.server_and_paths", "command", name(c), "help", c.CommandPath())
			}
			return nil
		},
	}
	wait := c.Flags().Bool("wait", false, "wait until the job has ended")
	yes := c.Flags().BoolP("yes", "y", false, "do not ask for confirmation")
	c.RunE = func(c *cobra.Command, args []string) error {
		n, path, err := serverPath(args[0])
		if err != nil {
			return fmt.Errorf("discard: %w", err)
		}
		what := "discard files of " + string(n)
		if !*yes {
			if err := cmd.app.confirm(c.Context(), n,
				fmt.Sprintf("this deletes %d files or directories that it wrote", len(args)-1)); err != nil {
				return fmt.Errorf("%s: %w", what, err)
			}
		}
		return cmd.app.begin(c.Context(), what, http.MethodPost, path+"/written/discard", apitype.Paths{Paths: args[1:]}, *wait)
	}
	return c
}

func (cmd serverCommands) pending() *cobra.Command {
	c := &cobra.Command{
		Use: "pending NAME", Short: "List the files that a restart would change", Args: one("the name of a server"),
		ValidArgsFunction: cmd.app.servers,
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		n, path, err := serverPath(args[0])
		if err == nil {
			err = list(c.Context(), cmd.app, path+"/pending", url.Values{}, "WHAT\tPATH\tBEFORE\tAFTER", cmd.app.writeChange)
		}
		if err != nil {
			return fmt.Errorf("what a restart of %s would change: %w", n, err)
		}
		return nil
	}
	return c
}

func (cmd serverCommands) conflicts() *cobra.Command {
	c := &cobra.Command{
		Use: "conflicts NAME", Aliases: []string{"clashes"}, Short: "List conflicts between the overlays of a server",
		Args:              one("the name of a server"),
		ValidArgsFunction: cmd.app.servers,
		Long: "List conflicts between the overlays of a server that affect players: add-ons with\n" +
			"the same files, duplicate campaigns, more add-ons than the game can load. For\n" +
			"problems of a single overlay, use left4me overlay show.",
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		n, path, err := serverPath(args[0])
		if err != nil {
			return fmt.Errorf("conflicts: %w", err)
		}
		var all []left4me.Warning
		raw, err := cmd.app.call(c.Context(), http.MethodGet, path+"/clashes", nil, &all)
		if err != nil {
			return fmt.Errorf("conflicts of %s: %w", n, err)
		}
		return cmd.app.print(raw, func(w io.Writer) {
			for _, x := range all {
				text := x.Text
				if x.Path != "" {
					text = x.Path + ": " + text
				}
				if x.Hint != "" {
					text += "; " + x.Hint
				}
				fmt.Fprintln(w, output.OneLine(text))
			}
			if len(all) == 0 && !cmd.app.quiet {
				fmt.Fprintln(w, "no conflicts")
			}
		})
	}
	return c
}

func (cmd serverCommands) compare() *cobra.Command {
	c := &cobra.Command{
		Use: "compare NAME OTHER", Short: "List differences between the files of two servers", ValidArgsFunction: cmd.app.servers,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 2 {
				return left4me.NewError(left4me.Invalid, "usage.two_servers", "command", name(c), "help", c.CommandPath())
			}
			return nil
		},
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		n, path, err := serverPath(args[0])
		if err != nil {
			return fmt.Errorf("compare: %w", err)
		}
		other, err := left4me.ParseName(args[1])
		if err == nil {
			err = list(c.Context(), cmd.app, path+"/compare/"+string(other), url.Values{},
				"WHAT\tPATH\t"+strings.ToUpper(string(n))+"\t"+strings.ToUpper(string(other)), cmd.app.writeChange)
		}
		if err != nil {
			return fmt.Errorf("compare %s: %w", n, err)
		}
		return nil
	}
	return c
}

func (cmd serverCommands) promote() *cobra.Command {
	c := &cobra.Command{
		Use: "promote NAME OVERLAY PATH...", Short: "Copy files that a server wrote into an overlay", ValidArgsFunction: cmd.app.servers,
		Long: "Copy files that a server wrote into a files overlay and publish a new revision. The\n" +
			"server keeps its copies until they are discarded.",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) < 3 {
				return left4me.NewError(left4me.Invalid, "usage.server_overlay_and_paths", "command", name(c), "help", c.CommandPath())
			}
			return nil
		},
	}
	wait := c.Flags().Bool("wait", false, "wait until the job has ended")
	c.RunE = func(c *cobra.Command, args []string) error {
		n, _, err := serverPath(args[0])
		if err != nil {
			return fmt.Errorf("promote: %w", err)
		}
		overlay, err := left4me.ParseName(args[1])
		if err != nil {
			return fmt.Errorf("promote files of %s: %w", n, err)
		}
		body := apitype.Build{Promote: &left4me.Promote{Server: n, Paths: args[2:]}}
		return cmd.app.begin(c.Context(), fmt.Sprintf("promote files of %s to %s", n, overlay), http.MethodPost,
			"/overlays/"+string(overlay)+"/build", body, *wait)
	}
	return c
}
