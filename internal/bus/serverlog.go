package bus

import (
	"fmt"
	"log/slog"
	"strings"

	"github.com/nats-io/nats-server/v2/server"
)

// serverLog takes what the embedded server warns of. It warns of block files that
// it reads again after each kill, so a warning is nothing to act on.
type serverLog struct{ log *slog.Logger }

var _ server.Logger = serverLog{}

func (l serverLog) Warnf(format string, v ...any)  { l.log.Info("bus", "server", line(format, v)) }
func (l serverLog) Errorf(format string, v ...any) { l.log.Error("bus", "server", line(format, v)) }
func (l serverLog) Fatalf(format string, v ...any) { l.log.Error("bus", "server", line(format, v)) }
func (l serverLog) Noticef(string, ...any)         {}
func (l serverLog) Debugf(string, ...any)          {}
func (l serverLog) Tracef(string, ...any)          {}

func line(format string, v []any) string { return strings.TrimSpace(fmt.Sprintf(format, v...)) }
