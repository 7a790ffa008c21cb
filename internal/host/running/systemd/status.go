package systemd

import (
	"context"
	"time"

	"github.com/coreos/go-systemd/v22/dbus"
	godbus "github.com/godbus/dbus/v5"
)

// statusWithin limits the wait for the status text of a failed unit.
const statusWithin = time.Second

// status receives the last status text that a unit's process sent with sd_notify(3), by D-Bus signal.
// systemd unloads a mount unit as soon as it has failed (CollectMode=inactive-or-failed), and its
// status text with it, so the text can't be read afterwards.
type status struct {
	conn  *godbus.Conn
	texts chan string // the last text
}

// listenStatus starts listening to a unit. If that fails, the reason is missing in the error, but is
// still in the journal. The connection is separate from the supervisor's, so that no signal is lost
// while that one reconnects.
func listenStatus(ctx context.Context, unit string) *status {
	s := &status{texts: make(chan string, 1)}
	conn, err := godbus.ConnectSystemBus(godbus.WithContext(ctx), godbus.WithSignalHandler(s))
	if err != nil {
		return s
	}
	s.conn = conn
	err = conn.AddMatchSignalContext(ctx, godbus.WithMatchSender("org.freedesktop.systemd1"),
		godbus.WithMatchObjectPath(godbus.ObjectPath("/org/freedesktop/systemd1/unit/"+dbus.PathBusEscape(unit))),
		godbus.WithMatchInterface("org.freedesktop.DBus.Properties"), godbus.WithMatchMember("PropertiesChanged"))
	if err == nil { // systemd sends signals only after a client has subscribed
		manager := conn.Object("org.freedesktop.systemd1", "/org/freedesktop/systemd1")
		err = manager.CallWithContext(ctx, "org.freedesktop.systemd1.Manager.Subscribe", 0).Err
	}
	if err != nil {
		s.close()
	}
	return s
}

// DeliverSignal handles a signal of the connection. Calls are sequential.
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
	case <-s.texts: // discard an older text
	default:
	}
	s.texts <- text
}

// wait returns the unit's last status text, or "" if none arrives within statusWithin.
func (s *status) wait(ctx context.Context) string {
	if s.conn == nil {
		return ""
	}
	t := time.NewTimer(statusWithin)
	defer t.Stop()
	select {
	case text := <-s.texts:
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
