package cli

import (
	"net/http"

	"github.com/spf13/cobra"
)

// contentCommands are the subcommands of left4me content.
type contentCommands struct{ app *app }

func (cmd contentCommands) command() *cobra.Command {
	c := &cobra.Command{Use: "collect", Short: "Remove revisions and downloads that nothing needs", Args: NoArguments}
	wait := c.Flags().Bool("wait", false, "wait until the job has ended")
	c.RunE = func(c *cobra.Command, _ []string) error {
		return cmd.app.begin(c.Context(), "collect", http.MethodPost, "/content/collect", nil, *wait)
	}
	return group("content", "Manage the disk space of overlays", c)
}
