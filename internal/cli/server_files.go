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
		Use: "files NAME", Short: "List what a server sees: its layers merged", Args: one("the name of a server"),
		ValidArgsFunction: cmd.app.servers,
		Long: "List what a server sees: its layers merged, nothing is mounted for it. Each file\n" +
			"names the layer that it comes from, and those below that have it too.",
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
		Use: "written NAME", Short: "List what a server wrote over its layers", Args: one("the name of a server"),
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
		Use: "cat NAME PATH", Short: "Print a file as a server sees it", ValidArgsFunction: cmd.app.servers,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 2 {
				return left4me.NewError(left4me.Invalid, "usage.server_and_path", "command", name(c), "help", c.CommandPath())
			}
			return nil
		},
	}
	c.Flags().StringVar(&inside, "inside", "", "a file in the add-on (VPK) that PATH is")
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
		Use: "discard NAME PATH...", Short: "Drop files that a stopped server wrote", ValidArgsFunction: cmd.app.servers,
		Long: "Drop files that a stopped server wrote: a file that hid one of a layer gives it\n" +
			"back, one that was removed comes again, a directory goes with all that is in it.",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) < 2 {
				return left4me.NewError(left4me.Invalid, "usage.server_and_paths", "command", name(c), "help", c.CommandPath())
			}
			return nil
		},
	}
	wait := c.Flags().Bool("wait", false, "wait until it is done")
	yes := c.Flags().BoolP("yes", "y", false, "don't ask")
	c.RunE = func(c *cobra.Command, args []string) error {
		n, path, err := serverPath(args[0])
		if err != nil {
			return fmt.Errorf("discard: %w", err)
		}
		what := "discard files of " + string(n)
		if !*yes {
			if err := cmd.app.confirm(c.Context(), n,
				fmt.Sprintf("%d files or directories that it wrote are thrown away", len(args)-1)); err != nil {
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

func (cmd serverCommands) clashes() *cobra.Command {
	c := &cobra.Command{
		Use: "clashes NAME", Short: "Say what the overlays of a server have in common", Args: one("the name of a server"),
		ValidArgsFunction: cmd.app.servers,
		Long: "Say what the overlays of a server have in common and players miss something by:\n" +
			"add-ons with the same files, a campaign twice, more add-ons than the game has\n" +
			"room for. What is wrong with an overlay by itself: left4me overlay show.",
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		n, path, err := serverPath(args[0])
		if err != nil {
			return fmt.Errorf("clashes: %w", err)
		}
		var all []left4me.Warning
		raw, err := cmd.app.call(c.Context(), http.MethodGet, path+"/clashes", nil, &all)
		if err != nil {
			return fmt.Errorf("clashes of %s: %w", n, err)
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
				fmt.Fprintln(w, "nothing clashes")
			}
		})
	}
	return c
}

func (cmd serverCommands) compare() *cobra.Command {
	c := &cobra.Command{
		Use: "compare NAME OTHER", Short: "List how the files of two servers differ", ValidArgsFunction: cmd.app.servers,
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
		Use: "promote NAME OVERLAY PATH...", Short: "Take files that a server wrote into an overlay", ValidArgsFunction: cmd.app.servers,
		Long: "Take files that a server wrote into a files overlay, as a new revision of it. The\n" +
			"server keeps its own until they are discarded.",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) < 3 {
				return left4me.NewError(left4me.Invalid, "usage.server_overlay_and_paths", "command", name(c), "help", c.CommandPath())
			}
			return nil
		},
	}
	wait := c.Flags().Bool("wait", false, "wait until it is done")
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
