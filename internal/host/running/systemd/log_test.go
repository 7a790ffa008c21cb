package systemd

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

func TestLogFallsBackToJournalSocket(t *testing.T) {
	r, stream, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	var sent strings.Builder
	log := logWriter{stream, func(line string) error { _, err := fmt.Fprintf(&sent, "<%s>", line); return err }}
	write := func(line string) {
		if n, err := log.Write([]byte(line)); n != len(line) || err != nil {
			t.Errorf("Write(%q) = %d, %v", line, n, err)
		}
	}
	write("one\n")
	buf := make([]byte, 99)
	if n, err := r.Read(buf); string(buf[:n]) != "one\n" || sent.Len() > 0 {
		t.Errorf("%q, %v, and sent %q", buf[:n], err, sent.String())
	}
	r.Close()
	write("two\n")
	write("three\n")
	if sent.String() != "<two><three>" {
		t.Errorf("sent: %q", sent.String())
	}
}
