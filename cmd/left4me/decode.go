package main

import (
	"os"

	"github.com/spf13/cobra"

	"github.com/left4me/left4me/internal/host/content/archive"
)

// decodeCommand is for the agent, which hands it an archive as standard input: a
// decoder that is led astray takes no more memory than it may.
func decodeCommand() *cobra.Command {
	return &cobra.Command{
		Use: "decode", Short: "Read an archive", Hidden: true, Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			return archive.Decode(c.Context(), args, os.Stdin, os.Stdout)
		},
	}
}

// decoder is the command line of a decoder.
func decoder() ([]string, error) {
	exe, err := os.Executable()
	return []string{exe, "decode"}, err
}
