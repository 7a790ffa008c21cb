package cli

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestPasswordPromptDisablesEcho(t *testing.T) {
	master, slave := terminalPair(t)
	type result struct {
		password string
		err      error
	}
	done := make(chan result, 1)
	go func() {
		a := &app{Config: Config{In: slave, Err: slave}}
		p, err := a.password(t.Context(), false, false)
		done <- result{p, err}
	}()
	for range 2 {
		// Input is only hidden once the terminal has echo turned off.
		for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
			mode, err := unix.IoctlGetTermios(int(slave.Fd()), unix.TCGETS)
			if err == nil && mode.Lflag&unix.ECHO == 0 {
				break
			}
			if time.Now().After(deadline) {
				t.Fatal("the terminal still echoes input")
			}
		}
		if _, err := master.WriteString("secretive words\n"); err != nil {
			t.Fatal(err)
		}
	}
	r := <-done
	shown := make([]byte, 4096)
	n, _ := master.Read(shown)
	if r.err != nil || r.password != "secretive words" || strings.Contains(string(shown[:n]), "secretive") {
		t.Errorf("%q, %v, shown %q", r.password, r.err, shown[:n])
	}
}

// terminalPair opens a pseudo-terminal (pty(7)).
func terminalPair(t *testing.T) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip("no terminals here: ", err)
	}
	t.Cleanup(func() { master.Close() })
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { slave.Close() })
	return master, slave
}
