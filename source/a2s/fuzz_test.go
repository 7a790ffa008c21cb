package a2s

import (
	"bytes"
	"math"
	"slices"
	"testing"
)

func FuzzReply(f *testing.F) {
	for _, s := range []string{
		infoDump, playersDump, rulesDump, "ff ff ff ff 41 01 02 03 04", "ff ff ff ff 44 ff",
		"ff ff ff ff 45 ff ff",
	} {
		f.Add(unhex(f, s))
	}
	tv := hotel()
	tv.Extra |= HasTV
	f.Add(AppendInfo(nil, tv))
	f.Fuzz(func(t *testing.T, b []byte) {
		if i, err := ParseInfo(b); err == nil {
			again, err := ParseInfo(AppendInfo(nil, i))
			if err != nil || again != i {
				t.Errorf("info %+v became %+v, %v", i, again, err)
			}
			reused := tv
			if err := ParseInfoInto(b, &reused); err != nil || reused != i {
				t.Errorf("info %+v read into another is %+v, %v", i, reused, err)
			}
		}
		if p, err := ParsePlayers(b); err == nil {
			again, err := ParsePlayers(AppendPlayers(nil, p))
			if err != nil || len(again) != len(p) {
				t.Fatalf("players %+v became %+v, %v", p, again, err)
			}
			for i := range p {
				// The wire format has 24 bits of precision for seconds; Duration counts nanoseconds.
				if d := math.Abs(float64(p[i].Duration - again[i].Duration)); d > 2+float64(p[i].Duration)/1e6 {
					t.Errorf("duration %v became %v", p[i].Duration, again[i].Duration)
				}
				again[i].Duration = p[i].Duration
			}
			if !slices.Equal(p, again) {
				t.Errorf("players %+v became %+v", p, again)
			}
			reused, err := ParsePlayersInto(b, []Player{{Name: "Alice"}, {Name: "x"}, {}})
			if err != nil || !slices.Equal(reused, p) {
				t.Errorf("players %+v read into others are %+v, %v", p, reused, err)
			}
		}
		if r, err := ParseRules(b); err == nil {
			again, err := ParseRules(AppendRules(nil, r))
			if err != nil || !slices.Equal(r, again) {
				t.Errorf("rules %+v became %+v, %v", r, again, err)
			}
		}
		if c, err := ParseChallenge(b); err == nil {
			if again, err := ParseChallenge(AppendChallenge(nil, c)); err != nil || again != c {
				t.Errorf("challenge %x became %x, %v", c, again, err)
			}
		}
		ReplyOf(b)
	})
}

func FuzzRequest(f *testing.F) {
	for _, kind := range []byte{KindInfo, KindPlayers, KindRules} {
		f.Add(AppendRequest(nil, kind, NoChallenge))
		f.Add(AppendRequest(nil, kind, 0x01020304))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := ParseRequest(b)
		if err != nil {
			return
		}
		if again, err := ParseRequest(AppendRequest(nil, r.Kind, r.Challenge)); err != nil || again != r {
			t.Errorf("%+v became %+v, %v", r, again, err)
		}
	})
}

// FuzzAssembler reads its input as a list of datagrams, each preceded by a length byte.
func FuzzAssembler(f *testing.F) {
	script := func(fragments [][]byte) (b []byte) {
		for _, x := range fragments {
			b = append(append(b, byte(len(x))), x...)
		}
		return b
	}
	f.Add(script(Split(reply(300), 1, 100)))
	f.Add(script(append(Split(reply(300), 1, 100)[1:], Split(reply(200), 2, 100)...)))
	f.Add(script(compressed(rules40Size, rules40Sum)))
	f.Fuzz(func(t *testing.T, b []byte) {
		var a Assembler
		for len(b) > 0 {
			n := min(int(b[0]), len(b)-1)
			got, err := a.Add(b[1 : 1+n])
			b = b[1+n:]
			if got != nil && (err != nil || len(got) > MaxReply || !bytes.HasPrefix(got, []byte(single))) {
				t.Errorf("%d bytes, %v", len(got), err)
			}
			held := 0
			for _, p := range a.replies {
				for _, part := range p.parts {
					held += len(part)
				}
				if p.left == 0 {
					t.Error("a complete reply is still held")
				}
			}
			if held != a.size || held > MaxReply || len(a.replies) > maxPartial {
				t.Fatalf("holds %d bytes in %[3]d replies, counts %[2]d bytes", held, a.size, len(a.replies))
			}
		}
	})
}
