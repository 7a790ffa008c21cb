package cli

import (
	"fmt"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/left4me/left4me/internal/left4me"
)

// overlayNames has names in an archive that was published read in another encoding.
func (a *app) overlayNames() *cobra.Command {
	c := &cobra.Command{
		Use: "names NAME ENCODING", Short: "Read names in an uploaded archive in another encoding",
		Args: between(2, 2, "the name of an overlay and an encoding"),
		Long: "Make a revision in which the files of the last upload are called as their names are\n" +
			"in another encoding. The upload is kept for a week after it was published when its\n" +
			"names don't say which one they are in. left4me upload names lists the encodings.",
		ValidArgsFunction: func(c *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
			if len(args) == 0 {
				return a.overlays(c, args, typed)
			}
			return nil, noFiles
		},
	}
	plan := c.Flags().Bool("plan", false, "only say what would be written")
	wait := c.Flags().Bool("wait", false, "wait until the revision is made")
	c.RunE = func(c *cobra.Command, args []string) error {
		n, path, err := overlayPath(args[0])
		if err != nil {
			return err
		}
		what := "names of " + string(n)
		var o struct {
			Content left4me.Content `json:"content"`
		}
		if _, err := a.call(c.Context(), http.MethodGet, path, nil, &o); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		for _, r := range o.Content.Revisions { // newest first
			if r.Archive == nil || time.Now().After(r.Archive.Until) {
				continue
			}
			change := map[string]any{"import": left4me.Import{Names: args[1]}}
			if *plan {
				return a.plan(c.Context(), r.Archive.Upload, change)
			}
			change["upload"] = r.Archive.Upload
			return a.begin(c.Context(), what, http.MethodPost, path+"/build",
				map[string]any{"note": "names read as " + args[1], "change": change}, *wait)
		}
		return fmt.Errorf("%s: %w", what,
			left4me.Errorf(left4me.NotFound, "no upload of the last week has names that may be read otherwise").
				WithHint("send it again with --names"))
	}
	return c
}
