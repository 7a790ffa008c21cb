package rcon

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"testing"
)

func unhex(tb testing.TB, s string) []byte {
	tb.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// dumps are packets as real clients and servers send them.
var dumps = []struct {
	name, dump string
	packet     Packet
}{
	{"password", "0c 00 00 00 01 00 00 00 03 00 00 00 70 77 00 00", Packet{1, Auth, "pw"}},
	{"empty value", "0a 00 00 00 01 00 00 00 00 00 00 00 00 00", Packet{1, ResponseValue, ""}},
	{"accepted", "0a 00 00 00 01 00 00 00 02 00 00 00 00 00", Packet{1, AuthResponse, ""}},
	{"refused", "0a 00 00 00 ff ff ff ff 02 00 00 00 00 00", Packet{AuthFailed, AuthResponse, ""}},
	{"status", "10 00 00 00 02 00 00 00 02 00 00 00 73 74 61 74 75 73 00 00", Packet{2, ExecCommand, "status"}},
	{"after the mirror", "0e 00 00 00 03 00 00 00 00 00 00 00 00 01 00 00 00 00", Packet{3, ResponseValue, "\x00\x01\x00\x00"}},
}

func TestPacketIsReadAndAppended(t *testing.T) {
	for _, c := range dumps {
		t.Run(c.name, func(t *testing.T) {
			b := unhex(t, c.dump)
			if out := AppendPacket(nil, c.packet); !bytes.Equal(out, b) {
				t.Errorf("wrote % x, want % x", out, b)
			}
			r := bytes.NewReader(append(bytes.Clone(b), 1, 2, 3))
			got, err := ReadPacket(r)
			if err != nil || got != c.packet || r.Len() != 3 {
				t.Errorf("got %+v, %v, %d bytes left", got, err, r.Len())
			}
			for n := range b {
				if p, rest, err := cut(b[:n]); rest != nil || err != nil {
					t.Errorf("first %d bytes: %+v, %v", n, p, err)
				}
				want := io.ErrUnexpectedEOF
				if n == 0 {
					want = io.EOF
				}
				if _, err := ReadPacket(bytes.NewReader(b[:n])); !errors.Is(err, want) {
					t.Errorf("first %d bytes: got error %v", n, err)
				}
			}
		})
	}
	for name, dump := range map[string]string{
		"a size below the minimum": "09 00 00 00", "a negative size": "ff ff ff ff", "a size that is text": "68 65 6c 6c 6f",
	} {
		t.Run(name+" is malformed", func(t *testing.T) {
			if _, err := ReadPacket(bytes.NewReader(unhex(t, dump))); !errors.Is(err, ErrMalformed) {
				t.Errorf("ReadPacket: got error %v, want ErrMalformed", err)
			}
			if _, _, err := cut(unhex(t, dump)); !errors.Is(err, ErrMalformed) {
				t.Errorf("cut: got error %v, want ErrMalformed", err)
			}
		})
	}
}

func FuzzPacket(f *testing.F) {
	var all []byte
	for _, c := range dumps {
		f.Add(unhex(f, c.dump))
		all = append(all, unhex(f, c.dump)...)
	}
	f.Add(all)
	f.Fuzz(func(t *testing.T, b []byte) {
		r := bytes.NewReader(b)
		for {
			p, rest, err := cut(b)
			q, readErr := ReadPacket(r)
			if err != nil {
				if !errors.Is(readErr, ErrMalformed) {
					t.Errorf("cut returned %v, ReadPacket %v", err, readErr)
				}
				return
			}
			if rest == nil {
				if readErr == nil {
					t.Errorf("incomplete for cut, but ReadPacket returned %+v", q)
				}
				return
			}
			if p != q || readErr != nil || r.Len() != len(rest) {
				t.Fatalf("cut returned %+v, ReadPacket %+v, %v", p, q, readErr)
			}
			if again, _, err := cut(AppendPacket(nil, p)); err != nil || again != p {
				t.Fatalf("%+v became %+v, %v", p, again, err)
			}
			b = rest
		}
	})
}
