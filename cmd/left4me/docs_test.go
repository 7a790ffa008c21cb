package main

import (
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/left4me/left4me/internal/cli/output"
)

// docs/cli.md is written by hand and must be complete.
func TestDocumentationListsCommandsSettingsAndExitCodes(t *testing.T) {
	b, err := os.ReadFile("../../docs/cli.md")
	if err != nil {
		t.Fatal(err)
	}
	doc := string(b)
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		if !c.Hidden && c.Runnable() && !c.HasSubCommands() && !strings.Contains(doc, "`"+c.CommandPath()) {
			t.Errorf("docs/cli.md lacks %s", c.CommandPath())
		}
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(command())
	for _, s := range flagSettings {
		if !strings.Contains(doc, "| `"+s.env+"` | `--"+s.flag+"` |") {
			t.Errorf("docs/cli.md lacks %s", s.env)
		}
	}
	if !strings.Contains(doc, output.ExitCodes) {
		t.Error("docs/cli.md lists different exit codes than the program")
	}
}
