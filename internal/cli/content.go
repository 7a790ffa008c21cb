package cli

import (
	"net/http"

	"github.com/spf13/cobra"
)

// contentCommands are the commands about what overlays need on the disk: left4me
// content.
type contentCommands struct{ app *app }

func (cmd contentCommands) command() *cobra.Command {
	c := &cobra.Command{Use: "collect", Short: "Remove revisions and downloads that nothing needs", Args: NoArguments}
	wait := c.Flags().Bool("wait", false, "wait until it is done")
	c.RunE = func(c *cobra.Command, _ []string) error {
		return cmd.app.begin(c.Context(), "collect", http.MethodPost, "/content/collect", nil, *wait)
	}
	return group("content", "What overlays need on the disk", c)
}
