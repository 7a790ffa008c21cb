package main

import (
	"os"

	"github.com/spf13/cobra"

	"github.com/left4me/left4me/internal/host/content/archive"
)

// decodeCommand is run by the agent with an archive on standard input. In a process of its own, a
// decoder of a malicious archive cannot exceed its memory limit.
func decodeCommand() *cobra.Command {
	return &cobra.Command{
		Use: "decode", Short: "Read an archive", Hidden: true, Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			return archive.Decode(c.Context(), args, os.Stdin, os.Stdout)
		},
	}
}

// decoder returns the command line of a decoder.
func decoder() ([]string, error) {
	exe, err := os.Executable()
	return []string{exe, "decode"}, err
}
