// Command lay creates a synthetic installation of the dedicated server, or an overlay for it, for
// scripts:
//
//	lay installation --into DIR [--srcds PROGRAM] [--files N] [--seed N] [--scale X] [--version V] [--build N]
//	lay overlay KIND --into DIR [--seed N] [--scale X]
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"

	"github.com/left4me/left4me/sim/installation"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "lay:", err)
		}
		os.Exit(2)
	}
}

func run(args []string) error {
	var kinds []string
	for _, k := range installation.OverlayKinds() {
		kinds = append(kinds, string(k))
	}
	usage := fmt.Errorf("usage: lay installation --into DIR [--srcds PROGRAM], or lay overlay KIND --into DIR; kinds are %s",
		strings.Join(kinds, ", "))
	if len(args) == 0 {
		return usage
	}
	what, rest, kind := args[0], args[1:], ""
	if what == "overlay" {
		if len(rest) == 0 {
			return usage
		}
		kind, rest = rest[0], rest[1:]
	} else if what != "installation" {
		return usage
	}

	flags := flag.NewFlagSet("lay "+what, flag.ContinueOnError)
	into := flags.String("into", "", "the directory, created if missing")
	var o installation.Options
	flags.Uint64Var(&o.Seed, "seed", 1, "seed of the file contents")
	flags.Float64Var(&o.Scale, "scale", 1, "factor for the file sizes")
	if what == "installation" {
		flags.StringVar(&o.Server, "srcds", "", "program installed as srcds_linux")
		flags.IntVar(&o.Files, "files", 400, "number of files")
		flags.StringVar(&o.Version, "version", "", "PatchVersion of steam.inf")
		flags.IntVar(&o.BuildID, "build", 0, "buildid of the app manifest")
	}
	if err := flags.Parse(rest); err != nil {
		return err
	}
	if *into == "" || flags.NArg() > 0 {
		return usage
	}
	if what == "overlay" {
		return installation.LayOverlay(*into, installation.OverlayKind(kind), o)
	}
	return installation.Lay(*into, o)
}
