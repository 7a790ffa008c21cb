//go:build man

package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"github.com/left4me/left4me/internal/cli/output"
)

// If built with the tag man, the program writes the manual pages of all commands to the given
// directory. script/package runs such a build, so the generator is not part of the installed program.
func init() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: man DIRECTORY")
		os.Exit(2)
	}
	if err := writeManual(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "man:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func writeManual(dir string) error {
	seconds, err := strconv.ParseInt(os.Getenv("SOURCE_DATE_EPOCH"), 10, 64)
	if err != nil {
		return fmt.Errorf("SOURCE_DATE_EPOCH: %w", err)
	}
	date := time.Unix(seconds, 0).UTC()
	version = os.Getenv("LEFT4ME_VERSION")
	// Manual pages must not contain the user's arguments or settings.
	os.Args = os.Args[:1]
	for _, name := range []string{"LEFT4ME_URL", "LEFT4ME_TOKEN"} {
		if err := os.Unsetenv(name); err != nil {
			return err
		}
	}
	root := command()
	root.Long += "\n\nThe exit code identifies the kind of an error:\n\n" + output.ExitCodes
	root.InitDefaultCompletionCmd()
	root.InitDefaultHelpCmd()
	asMarkdown(root)
	return doc.GenManTree(root, &doc.GenManHeader{Section: "1", Source: "left4me " + programVersion(), Manual: "left4me", Date: &date}, dir)
}

// asMarkdown converts the help of a command and its subcommands for the generator, which expects
// Markdown, where lines indented by two spaces are not a table.
func asMarkdown(c *cobra.Command) {
	c.DisableAutoGenTag = true
	c.Long = markdown(c.Long)
	for _, sub := range c.Commands() {
		asMarkdown(sub)
	}
}

// markdown keeps plain-text tables unchanged and escapes the special characters of all other lines.
func markdown(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "  ") || len(line) > 3 && line[0] >= '0' && line[0] <= '9' {
			b.WriteString("    " + line)
			continue
		}
		b.WriteString(strings.NewReplacer("_", `\_`, "*", `\*`, "<", `\<`).Replace(line))
	}
	return b.String()
}
