package main

import (
	"log/slog"
	"os"

	"github.com/left4me/left4me/internal/host/running/systemd"
	"github.com/left4me/left4me/internal/requestid"
)

// newLog returns the logger of the program. Lines contain the ID of the request they belong to. For the
// journal they contain no time.
func newLog() *slog.Logger {
	options := &slog.HandlerOptions{}
	if os.Getenv("JOURNAL_STREAM") != "" {
		options.ReplaceAttr = func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) == 0 && a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}
	}
	return slog.New(requestid.LogHandler(slog.NewTextHandler(systemd.Log(), options)))
}
