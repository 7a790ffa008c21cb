package bus

import (
	"fmt"
	"log/slog"
	"strings"

	"github.com/nats-io/nats-server/v2/server"
)

// serverLog logs the embedded server's warnings and errors. It logs warnings at level info, because
// the server warns of block files that it rereads after each kill, which needs no action.
type serverLog struct{ log *slog.Logger }

var _ server.Logger = serverLog{}

func (l serverLog) Warnf(format string, v ...any)  { l.log.Info("bus", "server", line(format, v)) }
func (l serverLog) Errorf(format string, v ...any) { l.log.Error("bus", "server", line(format, v)) }
func (l serverLog) Fatalf(format string, v ...any) { l.log.Error("bus", "server", line(format, v)) }
func (l serverLog) Noticef(string, ...any)         {}
func (l serverLog) Debugf(string, ...any)          {}
func (l serverLog) Tracef(string, ...any)          {}

func line(format string, v []any) string { return strings.TrimSpace(fmt.Sprintf(format, v...)) }
