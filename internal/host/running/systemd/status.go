package systemd

import (
	"context"
	"time"

	"github.com/coreos/go-systemd/v22/dbus"
	godbus "github.com/godbus/dbus/v5"
)

// statusWithin is how long a unit that has failed may take to tell why.
const statusWithin = time.Second

// status is the last line that the process of a unit said with sd_notify(3), as
// signals of D-Bus tell it. systemd forgets a mount unit as soon as it has failed
// (CollectMode=inactive-or-failed), and what it said with it: nobody who asks
// afterwards learns why.
type status struct {
	conn *godbus.Conn
	said chan string // the last line
}

// listenStatus begins to listen to a unit. It is best effort: without it people read the
// journal. The connection is its own, so that nothing is missed while the other
// one is lost and found.
func listenStatus(ctx context.Context, unit string) *status {
	s := &status{said: make(chan string, 1)}
	conn, err := godbus.ConnectSystemBus(godbus.WithContext(ctx), godbus.WithSignalHandler(s))
	if err != nil {
		return s
	}
	s.conn = conn
	err = conn.AddMatchSignalContext(ctx, godbus.WithMatchSender("org.freedesktop.systemd1"),
		godbus.WithMatchObjectPath(godbus.ObjectPath("/org/freedesktop/systemd1/unit/"+dbus.PathBusEscape(unit))),
		godbus.WithMatchInterface("org.freedesktop.DBus.Properties"), godbus.WithMatchMember("PropertiesChanged"))
	if err == nil { // systemd sends no signals before somebody has asked for some
		manager := conn.Object("org.freedesktop.systemd1", "/org/freedesktop/systemd1")
		err = manager.CallWithContext(ctx, "org.freedesktop.systemd1.Manager.Subscribe", 0).Err
	}
	if err != nil {
		s.close()
	}
	return s
}

// DeliverSignal takes a signal of the connection; calls come one after the other.
func (s *status) DeliverSignal(_, _ string, signal *godbus.Signal) {
	if len(signal.Body) < 2 || signal.Body[0] != "org.freedesktop.systemd1.Service" {
		return
	}
	changed, _ := signal.Body[1].(map[string]godbus.Variant)
	text, _ := changed["StatusText"].Value().(string)
	if text == "" {
		return
	}
	select {
	case <-s.said: // an older one
	default:
	}
	s.said <- text
}

// wait returns what the unit said last, or nothing when it doesn't come in time.
func (s *status) wait(ctx context.Context) string {
	if s.conn == nil {
		return ""
	}
	t := time.NewTimer(statusWithin)
	defer t.Stop()
	select {
	case text := <-s.said:
		return text
	case <-t.C:
	case <-ctx.Done():
	}
	return ""
}

func (s *status) close() {
	if s.conn != nil {
		s.conn.Close()
		s.conn = nil
	}
}
