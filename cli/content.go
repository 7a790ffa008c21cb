package cli

import (
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"github.com/left4me/left4me"
)

func (a *app) blueprintCommand() *cobra.Command {
	return group("blueprint", "Recipes for servers", a.blueprintList(), a.blueprintCreate())
}

func (a *app) blueprintList() *cobra.Command {
	c := &cobra.Command{Use: "list", Aliases: []string{"ls"}, Short: "List blueprints", Args: NoArguments}
	c.RunE = func(c *cobra.Command, _ []string) error {
		var all []left4me.Blueprint
		raw, err := a.call(c.Context(), http.MethodGet, "/blueprints", nil, &all)
		if err != nil {
			return fmt.Errorf("list blueprints: %w", err)
		}
		return a.print(raw, func(w io.Writer) {
			fmt.Fprintln(w, "NAME\tOVERLAYS")
			for _, b := range all {
				overlays := make([]string, len(b.Overlays))
				for i, o := range b.Overlays {
					overlays[i] = o.String()
				}
				fmt.Fprintf(w, "%s\t%s\n", b.Name, strings.Join(overlays, " "))
			}
		})
	}
	return c
}

func (a *app) blueprintCreate() *cobra.Command {
	var in struct {
		Name     string           `json:"name"`
		Overlays []string         `json:"overlays,omitempty"`
		Settings left4me.Settings `json:"settings"`
	}
	c := &cobra.Command{Use: "create NAME", Short: "Create a blueprint", Args: one("the name of a blueprint"), ValidArgsFunction: cobra.NoFileCompletions}
	c.Flags().StringArrayVar(&in.Overlays, "overlay", nil, "an overlay; may be repeated, the top of the stack first")
	settingsFlags(c, &in.Settings)
	a.completeFlag(c, "overlay", "/overlays")
	c.RunE = func(c *cobra.Command, args []string) error {
		if _, err := left4me.ParseName(args[0]); err != nil {
			return fmt.Errorf("create blueprint: %w", err)
		}
		in.Name = args[0]
		raw, err := a.call(c.Context(), http.MethodPost, "/blueprints", in, nil)
		if err != nil {
			return fmt.Errorf("create blueprint %s: %w", args[0], err)
		}
		return a.print(raw, func(w io.Writer) {
			if !a.quiet {
				fmt.Fprintf(w, "blueprint %s is created\n", args[0])
			}
		})
	}
	return c
}
