package main

import (
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/left4me/left4me/internal/store"
)

func versionCommand() *cobra.Command {
	c := &cobra.Command{Use: "version", Short: "Print the version", Args: noArguments}
	c.RunE = func(c *cobra.Command, _ []string) error {
		if asJSON, _ := c.Flags().GetBool("json"); asJSON {
			return json.NewEncoder(c.OutOrStdout()).Encode(map[string]any{
				"version": programVersion(),
				"go":      runtime.Version(),
				"schema":  store.Schema(),
			})
		}
		_, err := fmt.Fprintln(c.OutOrStdout(), programVersion())
		return err
	}
	return c
}

// programVersion is what the build was told, else what Go knows of it.
func programVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "dev"
}
