package cli

import (
	"fmt"
	"io"
	"net/http"

	"github.com/spf13/cobra"

	"github.com/left4me/left4me/internal/left4me"
)

func (a *app) serverReach() *cobra.Command {
	c := &cobra.Command{
		Use: "reach NAME", Short: "Say why players can't join a server", Args: one("the name of a server"), ValidArgsFunction: a.servers,
		Long: "Say why players can't join a server, or don't find it: go from its process\n" +
			"outwards to Steam, and end at the first thing that keeps everybody out. The exit\ncode is 1 when there is one.",
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		n, path, err := serverPath(args[0])
		if err != nil {
			return fmt.Errorf("reach: %w", err)
		}
		var r struct {
			Joinable bool            `json:"joinable"`
			First    *left4me.Check  `json:"first"`
			Checks   []left4me.Check `json:"checks"`
		}
		raw, err := a.call(c.Context(), http.MethodGet, path+"/reach", nil, &r)
		if err != nil {
			return fmt.Errorf("reach %s: %w", n, err)
		}
		err = a.print(raw, func(w io.Writer) {
			if !a.quiet {
				WriteChecks(w, r.Checks)
			}
			switch {
			case r.First == nil:
				fmt.Fprintf(w, "nothing keeps players from %s, as far as can be seen from its host\n", n)
			case r.Joinable:
				fmt.Fprintf(w, "players can join %s; the first thing to know: %s\n", n, oneLine(r.First.Text))
			default:
				fmt.Fprintf(w, "players can't join %s: %s\n", n, oneLine(r.First.Text))
			}
		})
		if err == nil && !r.Joinable {
			return ErrFailed
		}
		return err
	}
	return c
}

// WriteChecks writes findings for people, with what mends each.
func WriteChecks(w io.Writer, checks []left4me.Check) {
	for _, c := range checks {
		fmt.Fprintf(w, "%-7s  %s: %s\n", oneLine(string(c.State)), oneLine(c.Name), oneLine(c.Text))
		if c.Mend != "" {
			fmt.Fprintf(w, "         → %s\n", oneLine(c.Mend))
		}
	}
}
