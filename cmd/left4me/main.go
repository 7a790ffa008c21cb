// Command left4me manages Left 4 Dead 2 dedicated servers: `left4me serve` is
// the panel, the API and the agent of this machine, `left4me run` is the shim
// of one server, and the other commands do over the API what the panel does.
package main

import (
	"context"
	"fmt"
	"os"
)

var version = "dev"

func main() {
	s, err := readSettings(os.Getenv)
	if err == nil {
		err = serve(context.Background(), s)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "left4me:", err)
		os.Exit(1)
	}
}
