package cli

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"

	"github.com/spf13/cobra"

	"github.com/left4me/left4me/internal/api/apitype"
	"github.com/left4me/left4me/internal/cli/output"
	"github.com/left4me/left4me/internal/left4me"
)

func (cmd serverCommands) maps() *cobra.Command {
	c := &cobra.Command{
		Use: "maps NAME", Short: "List the maps of a server", Args: one("the name of a server"), ValidArgsFunction: cmd.app.servers,
		Long: "List the campaigns of the game and of a server's overlays with their chapters. Maps\n" +
			"that belong to no campaign are listed under the file that contains them.",
	}
	mode := c.Flags().String("mode", "", "list only chapters of this mode, for example versus")
	c.RunE = func(c *cobra.Command, args []string) error {
		n, path, err := serverPath(args[0])
		if err != nil {
			return fmt.Errorf("maps: %w", err)
		}
		var all []left4me.Campaign
		raw, err := cmd.app.call(c.Context(), http.MethodGet, path+"/campaigns", nil, &all)
		if err != nil {
			return fmt.Errorf("maps of %s: %w", n, err)
		}
		return cmd.app.print(raw, func(w io.Writer) {
			if !cmd.app.quiet {
				fmt.Fprintln(w, "CAMPAIGN\tMAP\tTITLE\tMODES\tOVERLAY")
			}
			for _, k := range all {
				cmd.writeCampaign(w, k, *mode)
			}
		})
	}
	return c
}

// writeCampaign prints each map of a campaign once, with its modes.
func (cmd serverCommands) writeCampaign(w io.Writer, k left4me.Campaign, mode string) {
	type line struct {
		left4me.Chapter
		modes []string
	}
	var lines []*line
	known := map[string]int{}
	names := slices.Sorted(maps.Keys(k.Modes))
	// The chapters of coop come first, because their order is that of the campaign.
	slices.SortStableFunc(names, func(a, b string) int {
		switch {
		case a == b:
			return 0
		case a == "coop":
			return -1
		case b == "coop":
			return 1
		}
		return 0
	})
	for _, m := range names {
		if mode != "" && m != mode && m != left4me.AnyMode {
			continue
		}
		for _, ch := range k.Modes[m] {
			i, ok := known[ch.Map]
			if !ok {
				i = len(lines)
				known[ch.Map] = i
				lines = append(lines, &line{Chapter: ch})
			}
			if m == left4me.AnyMode {
				m = "any"
			}
			lines[i].modes = append(lines[i].modes, m)
		}
	}
	for _, l := range lines {
		if cmd.app.quiet {
			fmt.Fprintln(w, output.OneLine(l.Map))
			continue
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", output.OneLine(k.Title), output.OneLine(l.Map), output.OneLine(l.Title),
			output.OneLine(modesOf(l.modes)), k.Overlay)
	}
}

func modesOf(modes []string) string {
	const shown = 5
	text := ""
	for i, m := range modes {
		if i == shown {
			return fmt.Sprintf("%s +%d", text, len(modes)-i)
		}
		if i > 0 {
			text += " "
		}
		text += m
	}
	return text
}

func (cmd serverCommands) changeMap() *cobra.Command {
	c := &cobra.Command{
		Use: "map NAME MAP", Short: "Change the map of a running server", ValidArgsFunction: cmd.app.servers,
		Long: "Change the map of a running server. Connected players are moved to the new map.\n" +
			"left4me server maps lists the available maps.",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 2 {
				return left4me.NewError(left4me.Invalid, "usage.server_and_map", "help", c.CommandPath())
			}
			return nil
		},
	}
	mode := c.Flags().String("mode", "", "also change the mode, for example to versus")
	wait := c.Flags().Bool("wait", false, "wait until the server answers with the new map")
	c.RunE = func(c *cobra.Command, args []string) error {
		n, path, err := serverPath(args[0])
		if err != nil {
			return fmt.Errorf("map: %w", err)
		}
		in := apitype.MapChange{Map: args[1], Mode: *mode}
		var begun apitype.MapChangeBegun
		raw, err := cmd.app.call(c.Context(), http.MethodPost, path+"/map", in, &begun)
		if err != nil {
			return fmt.Errorf("map of %s: %w", n, err)
		}
		if *wait {
			j := apitype.Job{ID: begun.Job.ID, Kind: begun.Job.Kind, State: begun.Job.State}
			if err := cmd.app.finish(c.Context(), "map of "+string(n), j, raw, true); err != nil {
				return fmt.Errorf("map of %s: %w", n, err)
			}
			return nil
		}
		return cmd.app.print(raw, func(w io.Writer) {
			if !cmd.app.quiet {
				fmt.Fprintf(w, "%s is changing to %s\n", n, output.OneLine(args[1]))
			}
		})
	}
	return c
}
