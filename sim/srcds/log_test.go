package main

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/left4me/left4me/source/srcdslog"
)

// receiver receives the datagrams of a log.
type receiver struct {
	t *testing.T
	*net.UDPConn
}

func newReceiver(t *testing.T) receiver {
	t.Helper()
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetReadDeadline(time.Now().Add(patience))
	return receiver{t, c}
}

// until reads datagrams until one contains the text, and returns it and its sender.
func (r receiver) until(text string) (string, string) {
	r.t.Helper()
	buf := make([]byte, 2000)
	for {
		n, from, err := r.ReadFromUDPAddrPort(buf)
		if err != nil {
			r.t.Fatalf("waiting for %q: %v", text, err)
		}
		if strings.Contains(string(buf[:n]), text) {
			return string(buf[:n]), from.String()
		}
	}
}

func TestLogIsSentToAddresses(t *testing.T) {
	p := start(t, nil, []string{"SIM_LOG_LOOPBACK=1"})
	r := newReceiver(t)
	to := r.LocalAddr().String()
	for _, c := range []struct{ command, want string }{
		{"logaddress_list", "logaddress_list:  no addresses in the list\n"},
		{"logaddress_add " + to, "logaddress_add:  " + to + "\n"},
		{"logaddress_add " + to, "logaddress_add:  " + to + " is already in the list\n"},
		{"logaddress_list", "logaddress_list: 1 entry\n" + to + "\n"},
		{"logaddress_add 192.0.2.1", "logaddress_add:  192.0.2.1:27500\n"},
		{"logaddress_add nonsense:x", "unable to resolve nonsense:x\n"},
		{"logaddress_list", "logaddress_list: 2 entries\n" + to + "\n192.0.2.1:27500\n"},
		{"logaddress_del 192.0.2.1:27500", "deleting:  192.0.2.1:27500\n"},
		{"logaddress_del 192.0.2.1:27500", "logaddress_del:  address 192.0.2.1:27500 not found in the list\n"},
	} {
		if got := p.ask(c.command); !strings.Contains(got, c.want) {
			t.Errorf("%s: got %q, want %q", c.command, got, c.want)
		}
	}
	p.ask("say before the log is on", "log on", "say plain")
	got, from := r.until(`say "`)
	if !strings.HasPrefix(got, "\xff\xff\xff\xffRL ") || !strings.HasSuffix(got, ": \"Console<0><Console><Console>\" say \"plain\"\n\x00") {
		t.Errorf("without a secret: got %q", got)
	}
	if from != p.addr.String() {
		t.Errorf("got sender %s, want the socket of the game %s", from, p.addr)
	}
	p.ask("sv_logsecret 12345", "say with a secret")
	got, _ = r.until(`say "with`)
	if !strings.HasPrefix(got, "\xff\xff\xff\xffS12345L ") {
		t.Errorf("with a secret: got %q", got)
	}
	p.ask("logaddress_delall", "say into the void", "logaddress_add "+to, "say again")
	if got, _ := r.until(`say "`); !strings.Contains(got, "again") {
		t.Errorf("after logaddress_delall: got %q", got)
	}
}

func TestLogSplitsReasonWithLineBreak(t *testing.T) {
	p := start(t, nil, []string{"SIM_LOG_LOOPBACK=1"})
	in := newReceiver(t)
	p.ask("log on", "logaddress_add "+in.LocalAddr().String(), "sim_join Mia", "sim_no_logon Mia", "say done")
	var r srcdslog.Reader
	var reasons []string
	for buf, done := make([]byte, 2000), false; !done; {
		n, _, err := in.ReadFromUDPAddrPort(buf)
		if err != nil {
			t.Fatal(err)
		}
		_, _, line, err := srcdslog.ParseDatagram(buf[:n])
		if err != nil || strings.Contains(line, "\n") {
			t.Errorf("datagram %q: %v", line, err)
		}
		e, ok := r.Line(line)
		if ok && e.Kind == srcdslog.Disconnected && !e.Player.Bot {
			reasons = append(reasons, e.Text)
		}
		done = ok && e.Text == "done"
	}
	if len(reasons) != 1 || reasons[0] != "No Steam logon\n" || r.Torn() != 0 {
		t.Errorf("got reasons %q, %d torn lines", reasons, r.Torn())
	}
}

func TestLogRejectsLoopbackAddresses(t *testing.T) {
	p := start(t, nil, nil)
	for _, to := range []string{"127.0.0.1:27500", "127.8.9.10:1"} {
		if got := p.ask("logaddress_add "+to, "logaddress_list"); !strings.Contains(got, "no addresses in the list") {
			t.Errorf("%s: got %s", to, got)
		}
	}
}

func TestEachMapHasLogFile(t *testing.T) {
	p := start(t, nil, []string{"TZ=UTC"}, "+log", "on")
	p.typed("changelevel c1m2_streets")
	p.wait(`Started map "c1m2_streets"`)
	p.ask("sv_logecho 0", "say only in the file", "log off", "say nowhere")
	files, err := filepath.Glob(filepath.Join(p.root, "left4dead2", "logs", "L[01][0-9][0-3][0-9][0-9][0-9][0-9].log"))
	if err != nil || len(files) != 3 { // one for "log on" and one for each map
		t.Fatalf("got files %v, %v, want 3", files, err)
	}
	var kinds [3][]srcdslog.Kind
	for i, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			e, err := srcdslog.Parse(line)
			if err != nil || e.Kind == srcdslog.Unknown || time.Since(e.At).Abs() > time.Hour {
				t.Errorf("%q: %+v, %v", line, e, err)
			}
			if e.Kind != srcdslog.Cvar {
				kinds[i] = append(kinds[i], e.Kind)
			}
		}
	}
	want := "[log_started map_loading cvars_start cvars_end map_started triggered log_closed]"
	if got := sprint(kinds[1]); got != want {
		t.Errorf("first map: got %s", got)
	}
	if got := sprint(kinds[2]); got != strings.Replace(want, "log_closed", "said log_closed", 1) {
		t.Errorf("second map: got %s", got)
	}
	if strings.Contains(p.out.String(), "only in the file\"") {
		t.Error("line was echoed despite sv_logecho 0")
	}
}
