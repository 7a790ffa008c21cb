package cli

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"
)

// recipe is a script to begin with, as the API has it.
type recipe struct {
	ID, Title, Text, Script string
	Parameters              []struct{ Name, Title, Default, Hint string }
}

func (a *app) recipeCommand() *cobra.Command {
	return group("recipe", "Scripts to begin an overlay with", a.recipeList(), a.recipeShow())
}

func (a *app) recipeList() *cobra.Command {
	c := &cobra.Command{Use: "list", Aliases: []string{"ls"}, Short: "List scripts to begin with", Args: NoArguments}
	c.RunE = func(c *cobra.Command, _ []string) error {
		var all []recipe
		raw, err := a.call(c.Context(), http.MethodGet, "/recipes", nil, &all)
		if err != nil {
			return fmt.Errorf("list recipes: %w", err)
		}
		return a.print(raw, func(w io.Writer) {
			if !a.quiet {
				fmt.Fprintln(w, "ID\tWHAT IT MAKES")
			}
			for _, r := range all {
				if a.quiet {
					fmt.Fprintln(w, r.ID)
					continue
				}
				fmt.Fprintf(w, "%s\t%s\n", r.ID, r.Title)
			}
		})
	}
	return c
}

func (a *app) recipeShow() *cobra.Command {
	c := &cobra.Command{
		Use: "show ID", Short: "Show one with its parameters, or print its script", Args: one("the id of a recipe"),
		Long: `Show a recipe with its parameters. With --script, print the script and nothing
else, with the values of --set:

  left4me recipe show sourcemod --script | left4me overlay create sourcemod --script - --build --wait`,
		ValidArgsFunction: func(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, noFiles
			}
			return a.names(c, "/recipes", "id"), noFiles
		},
	}
	set := c.Flags().StringArray("set", nil, "NAME=VALUE of a parameter; may be repeated")
	script := c.Flags().Bool("script", false, "print its script and nothing else")
	c.RunE = func(c *cobra.Command, args []string) error {
		var r recipe
		path := "/recipes/" + url.PathEscape(args[0])
		if len(*set) > 0 {
			path += "?" + url.Values{"set": *set}.Encode()
		}
		raw, err := a.call(c.Context(), http.MethodGet, path, nil, &r)
		if err != nil {
			return fmt.Errorf("show recipe %s: %w", oneLine(args[0]), err)
		}
		if *script && !a.json {
			_, err := io.WriteString(a.Out, r.Script)
			return err
		}
		return a.print(raw, func(w io.Writer) {
			fmt.Fprintf(w, "%s\n%s\n", r.Title, r.Text)
			for _, p := range r.Parameters {
				fmt.Fprintf(w, "\n%s=%s\n    %s: %s\n", p.Name, oneLine(p.Default), p.Title, strings.TrimSpace(p.Hint))
			}
		})
	}
	return c
}
