package a2s

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
)

// unhex decodes the hexadecimal bytes of a packet dump.
func unhex(tb testing.TB, s string) []byte {
	tb.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

const (
	infoDump = `ff ff ff ff 49 11 54 65 73 74 00 63 31 6d 31 5f 68 6f 74 65 6c 00 6c 65 66 74 34 64 65 61 64 32 00
		4c 65 66 74 20 34 20 44 65 61 64 20 32 00 26 02 02 08 01 64 6c 00 01 32 2e 32 2e 34 2e 33 00
		b1 87 69 08 d4 b3 6a 29 57 40 01 63 6f 6f 70 2c 65 6d 70 74 79 2c 73 65 63 75 72 65 00
		26 02 00 00 00 00 00 00`
	playersDump = `ff ff ff ff 44 02 00 41 6c 69 63 65 00 05 00 00 00 00 00 76 42
		00 42 6f 62 00 fe ff ff ff 00 00 20 41`
	rulesDump = `ff ff ff ff 45 02 00 6d 70 5f 67 61 6d 65 6d 6f 64 65 00 63 6f 6f 70 00
		73 76 5f 63 68 65 61 74 73 00 30 00`
)

func hotel() Info {
	return Info{
		Protocol: 17, Name: "Test", Map: "c1m1_hotel", Folder: "left4dead2", Game: "Left 4 Dead 2", AppID: 550,
		Players: 2, MaxPlayers: 8, Bots: 1, ServerType: 'd', OS: 'l', VAC: true, Version: "2.2.4.3",
		Extra: HasPort | HasSteamID | HasKeywords | HasGameID,
		Port:  27015, SteamID: 90167827942855688, Keywords: "coop,empty,secure", GameID: 550,
	}
}

func TestInfoIsParsedAndAppended(t *testing.T) {
	tv := hotel()
	tv.Extra |= HasTV
	tv.TVPort, tv.TVName = 27020, "SourceTV"
	bare := hotel()
	bare.Extra, bare.Port, bare.SteamID, bare.Keywords, bare.GameID = 0, 0, 0, "", 0
	locked := bare
	locked.Password, locked.VAC = true, false
	for name, want := range map[string]Info{
		"as a Left 4 Dead 2 server sends it": hotel(),
		"with SourceTV":                      tv,
		"without extra fields":               bare,
		"with password":                      locked,
	} {
		t.Run(name, func(t *testing.T) {
			b := AppendInfo(nil, want)
			got, err := ParseInfo(b)
			if err != nil || got != want {
				t.Fatalf("got %+v, %v\nwant %+v", got, err, want)
			}
			// The reply without extra fields is also a complete packet, so a truncated packet may parse
			// without an error there.
			for n := range b {
				if got, err := ParseInfo(b[:n]); err == nil && got.Extra != 0 {
					t.Errorf("first %d bytes: got %+v, want no extra fields or an error", n, got)
				} else if err != nil && !errors.Is(err, ErrMalformed) {
					t.Errorf("first %d bytes: got error %v, want ErrMalformed", n, err)
				}
			}
		})
	}
	t.Run("written bytes match the dump of a real server", func(t *testing.T) {
		if b := AppendInfo(nil, hotel()); !bytes.Equal(b, unhex(t, infoDump)) {
			t.Errorf("got % x", b)
		}
	})
	t.Run("fields of an earlier packet are cleared", func(t *testing.T) {
		got := tv
		if err := ParseInfoInto(AppendInfo(nil, bare), &got); err != nil || got != bare {
			t.Errorf("got %+v, %v", got, err)
		}
	})
	t.Run("a zero byte in a name does not shift later fields", func(t *testing.T) {
		i := hotel()
		i.Name = "Te\x00st"
		if got, err := ParseInfo(AppendInfo(nil, i)); err != nil || got.Name != "Te" || got.Map != i.Map {
			t.Errorf("got %+v, %v", got, err)
		}
	})
}

func TestPlayersAreParsedAndAppended(t *testing.T) {
	b := unhex(t, playersDump)
	want := []Player{{Name: "Alice", Score: 5, Duration: 61500 * time.Millisecond}, {Name: "Bob", Score: -2, Duration: 10 * time.Second}}
	got, err := ParsePlayers(b)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("got %+v, %v", got, err)
	}
	if out := AppendPlayers(nil, want); !bytes.Equal(out, b) {
		t.Errorf("got % x", out)
	}
	t.Run("complete entries of a truncated list are returned", func(t *testing.T) {
		for n := 6; n < len(b); n++ {
			got, err := ParsePlayers(b[:n])
			whole := 0
			if n >= 21 {
				whole = 1
			}
			if err != nil || len(got) != whole {
				t.Errorf("first %d bytes: got %+v, %v", n, got, err)
			}
		}
	})
	t.Run("bytes after the last entry are ignored", func(t *testing.T) {
		if got, err := ParsePlayers(append(bytes.Clone(b), 1, 2, 3)); err != nil || len(got) != 2 {
			t.Errorf("got %+v, %v", got, err)
		}
	})
	t.Run("a truncated list reuses earlier memory correctly", func(t *testing.T) {
		kept, err := ParsePlayersInto(b[:len(b)-1], got)
		if err != nil || len(kept) != 1 || kept[0].Name != "Alice" {
			t.Errorf("got %+v, %v", kept, err)
		}
	})
	t.Run("writes at most 255 entries", func(t *testing.T) {
		if got, err := ParsePlayers(AppendPlayers(nil, make([]Player, 300))); err != nil || len(got) != 255 {
			t.Errorf("got %d entries, %v, want 255", len(got), err)
		}
	})
	t.Run("another kind of packet is malformed", func(t *testing.T) {
		if _, err := ParsePlayers(unhex(t, infoDump)); !errors.Is(err, ErrMalformed) {
			t.Errorf("got error %v, want ErrMalformed", err)
		}
	})
}

func TestSecondsHandlesSpecialFloats(t *testing.T) {
	for f, want := range map[float32]time.Duration{
		0: 0, -1: 0, 1.5: 1500 * time.Millisecond, float32(math.Inf(1)): math.MaxInt64, float32(math.Inf(-1)): 0, 1e30: math.MaxInt64,
	} {
		if got := seconds(f); got != want {
			t.Errorf("%v: got %v, want %v", f, got, want)
		}
	}
	if got := seconds(float32(math.NaN())); got != 0 {
		t.Errorf("NaN: got %v, want 0", got)
	}
}

func TestRulesAreParsedAndAppended(t *testing.T) {
	b := unhex(t, rulesDump)
	want := []Rule{{"mp_gamemode", "coop"}, {"sv_cheats", "0"}}
	got, err := ParseRules(b)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("got %+v, %v", got, err)
	}
	if out := AppendRules(nil, want); !bytes.Equal(out, b) {
		t.Errorf("got % x", out)
	}
	t.Run("complete entries of a truncated list are returned", func(t *testing.T) {
		if got, err := ParseRules(b[:len(b)-1]); err != nil || len(got) != 1 {
			t.Errorf("got %+v, %v", got, err)
		}
	})
	t.Run("a large count alone allocates no memory", func(t *testing.T) {
		if got, err := ParseRules(unhex(t, "ff ff ff ff 45 ff ff")); err != nil || cap(got) != 0 {
			t.Errorf("got length %d, capacity %d, %v", len(got), cap(got), err)
		}
	})
}

func TestRequestIsParsedAndAppended(t *testing.T) {
	info := "ff ff ff ff 54 53 6f 75 72 63 65 20 45 6e 67 69 6e 65 20 51 75 65 72 79 00"
	for _, c := range []struct {
		name, dump string
		want       Request
		written    bool // whether AppendRequest writes the same bytes
	}{
		{"info", info, Request{KindInfo, NoChallenge, false}, true},
		{"info with challenge", info + "0d 0c 0b 0a", Request{KindInfo, 0x0a0b0c0d, true}, true},
		{"info asking for a challenge", info + "00 00 00 00", Request{KindInfo, 0, false}, true},
		{"players", "ff ff ff ff 55 ff ff ff ff", Request{KindPlayers, NoChallenge, false}, true},
		{"players with challenge", "ff ff ff ff 55 01 02 03 04", Request{KindPlayers, 0x04030201, true}, true},
		{"rules", "ff ff ff ff 56 ff ff ff ff", Request{KindRules, NoChallenge, false}, true},
		{"rules asking for a challenge with zero", "ff ff ff ff 56 00 00 00 00", Request{KindRules, 0, false}, true},
		{"players without any challenge", "ff ff ff ff 55", Request{KindPlayers, NoChallenge, false}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := unhex(t, c.dump)
			got, err := ParseRequest(b)
			if err != nil || got != c.want {
				t.Errorf("got %+v, %v, want %+v", got, err, c.want)
			}
			if out := AppendRequest(nil, got.Kind, got.Challenge); c.written && !bytes.Equal(out, b) {
				t.Errorf("wrote % x, want % x", out, b)
			}
		})
	}
	for name, dump := range map[string]string{
		"empty": "", "no header": "54", "info without its text": "ff ff ff ff 54", "get challenge": "ff ff ff ff 57",
		"info with another text": strings.Replace(info, "53 6f", "53 6e", 1), "fragment": "fe ff ff ff 54",
	} {
		t.Run(name+" is malformed", func(t *testing.T) {
			if r, err := ParseRequest(unhex(t, dump)); !errors.Is(err, ErrMalformed) {
				t.Errorf("got %+v, %v", r, err)
			}
		})
	}
}

func TestChallengeIsParsedAndAppended(t *testing.T) {
	b := AppendChallenge(nil, 0xdeadbeef)
	if want := unhex(t, "ff ff ff ff 41 ef be ad de"); !bytes.Equal(b, want) {
		t.Errorf("got % x, want % x", b, want)
	}
	if got, err := ParseChallenge(b); err != nil || got != 0xdeadbeef {
		t.Errorf("got %#x, %v", got, err)
	}
	if _, err := ParseChallenge(b[:8]); !errors.Is(err, ErrMalformed) {
		t.Errorf("got error %v, want ErrMalformed", err)
	}
}

func TestReplyOfReturnsKindOfReply(t *testing.T) {
	for dump, want := range map[string]byte{
		infoDump: ReplyInfo, playersDump: ReplyPlayers, rulesDump: ReplyRules, "ff ff ff ff 41 01 02 03 04": ReplyChallenge,
		"fe ff ff ff 01 00 00 00 02 00 e0 04": ReplySplit, "": 0, "ff ff ff ff": 0, "fe ff ff ff 01": 0, "ff ff ff ff fe": 0,
		"00 00 00 00 49": 0,
	} {
		if got := ReplyOf(unhex(t, dump)); got != want {
			t.Errorf("%.20s: got %#x, want %#x", dump, got, want)
		}
	}
}

func TestPollingUnchangedServerAllocatesNothing(t *testing.T) {
	info, players := unhex(t, infoDump), unhex(t, playersDump)
	challenge := AppendChallenge(nil, 7)
	var i Info
	var p []Player
	var request []byte
	poll := func() {
		request = AppendRequest(request[:0], KindInfo, NoChallenge)
		if ReplyOf(challenge) != ReplyChallenge {
			t.Fatal("ReplyOf does not return ReplyChallenge")
		}
		c, err := ParseChallenge(challenge)
		if err != nil {
			t.Fatal(err)
		}
		request = AppendRequest(request[:0], KindInfo, c)
		if err := ParseInfoInto(info, &i); err != nil {
			t.Fatal(err)
		}
		if p, err = ParsePlayersInto(players, p); err != nil {
			t.Fatal(err)
		}
	}
	poll()
	if n := testing.AllocsPerRun(100, poll); n != 0 {
		t.Errorf("got %v allocations per poll, want 0", n)
	}
	if i != hotel() || len(p) != 2 || p[1].Name != "Bob" {
		t.Errorf("got %+v, %+v", i, p)
	}
}

func BenchmarkParseInfo(b *testing.B) {
	packet := unhex(b, infoDump)
	b.Run("new", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := ParseInfo(packet); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("unchanged", func(b *testing.B) {
		var i Info
		b.ReportAllocs()
		for b.Loop() {
			if err := ParseInfoInto(packet, &i); err != nil {
				b.Fatal(err)
			}
		}
	})
}
