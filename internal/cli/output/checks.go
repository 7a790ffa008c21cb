package output

import (
	"fmt"
	"io"

	"github.com/left4me/left4me/internal/left4me"
)

// WriteChecks prints the results of checks with their remedies.
func WriteChecks(w io.Writer, checks []left4me.Check) {
	for _, c := range checks {
		text, fix := c.Render()
		fmt.Fprintf(w, "%-7s  %s: %s\n", OneLine(string(c.State)), OneLine(c.Name), OneLine(text))
		if fix != "" {
			fmt.Fprintf(w, "         → %s\n", OneLine(fix))
		}
	}
}
