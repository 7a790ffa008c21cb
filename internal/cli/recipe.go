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
)

// recipeCommands are the subcommands of left4me recipe.
type recipeCommands struct{ app *app }

func (cmd recipeCommands) command() *cobra.Command {
	return group("recipe", "Show script templates for overlays", cmd.list(), cmd.show())
}

func (cmd recipeCommands) list() *cobra.Command {
	c := &cobra.Command{Use: "list", Aliases: []string{"ls"}, Short: "List script templates", Args: NoArguments}
	c.RunE = func(c *cobra.Command, _ []string) error {
		var all []apitype.Recipe
		raw, err := cmd.app.call(c.Context(), http.MethodGet, "/recipes", nil, &all)
		if err != nil {
			return fmt.Errorf("list recipes: %w", err)
		}
		return cmd.app.print(raw, func(w io.Writer) {
			if !cmd.app.quiet {
				fmt.Fprintln(w, "ID	CREATES")
			}
			for _, r := range all {
				if cmd.app.quiet {
					fmt.Fprintln(w, r.ID)
					continue
				}
				fmt.Fprintf(w, "%s\t%s\n", r.ID, r.Title)
			}
		})
	}
	return c
}

func (cmd recipeCommands) show() *cobra.Command {
	c := &cobra.Command{
		Use: "show ID", Short: "Show a script template", Args: one("the id of a recipe"),
		Long: `Show a script template and its parameters. With --script, print only the script,
with the values given by --set:

  left4me recipe show sourcemod --script | left4me overlay create sourcemod --script - --build --wait`,
		ValidArgsFunction: func(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, noFiles
			}
			return cmd.app.names(c, "/recipes", "id"), noFiles
		},
	}
	set := c.Flags().StringArray("set", nil, "parameter as NAME=VALUE; may be repeated")
	script := c.Flags().Bool("script", false, "print only the script")
	c.RunE = func(c *cobra.Command, args []string) error {
		var r apitype.Recipe
		path := "/recipes/" + url.PathEscape(args[0])
		if len(*set) > 0 {
			path += "?" + url.Values{"set": *set}.Encode()
		}
		raw, err := cmd.app.call(c.Context(), http.MethodGet, path, nil, &r)
		if err != nil {
			return fmt.Errorf("show recipe %s: %w", output.OneLine(args[0]), err)
		}
		if *script && !cmd.app.json {
			_, err := io.WriteString(cmd.app.Out, r.Script)
			return err
		}
		return cmd.app.print(raw, func(w io.Writer) {
			fmt.Fprintf(w, "%s\n%s\n", r.Title, r.Text)
			for _, p := range r.Parameters {
				fmt.Fprintf(w, "\n%s=%s\n    %s: %s\n", p.Name, output.OneLine(p.Default), p.Title, strings.TrimSpace(p.Hint))
			}
		})
	}
	return c
}
