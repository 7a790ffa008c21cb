package a2s

import (
	"bytes"
	_ "embed"
	"encoding/binary"
	"errors"
	"slices"
	"testing"
)

// rules40 is a RULES reply of 1647 bytes with 40 rules, compressed by another implementation of bzip2.
//
//go:embed testdata/rules40.bz2
var rules40 []byte

const (
	rules40Size = 1647
	rules40Sum  = 0xbc94f761
	rules40Name = "rule_39"
)

// compressed splits rules40 into fragments, with the given size and checksum in the header.
func compressed(size, sum uint32) [][]byte {
	b := binary.LittleEndian.AppendUint32(nil, size)
	b = binary.LittleEndian.AppendUint32(b, sum)
	return Split(append(b, rules40...), 5|Compressed, 200)
}

func join(a *Assembler, fragments [][]byte) ([]byte, error) {
	for _, f := range fragments {
		if b, err := a.Add(f); b != nil || err != nil {
			return b, err
		}
	}
	return nil, nil
}

func reply(size int) []byte {
	b := []byte(single + "E")
	for len(b) < size {
		b = append(b, byte(len(b)))
	}
	return b
}

func TestSplitLimitsFragmentSize(t *testing.T) {
	f := Split(unhex(t, rulesDump), 1, 20)
	want := unhex(t, "fe ff ff ff 01 00 00 00 02 00 14 00 ff ff ff ff 45 02 00 6d")
	if len(f) != 2 || !bytes.HasPrefix(f[0], want) || f[1][9] != 1 {
		t.Fatalf("% x", f)
	}
	for size, fragments := range map[int]int{
		5:                          1,
		SplitSize:                  1,
		SplitSize + 1:              2,
		MaxFragments * SplitSize:   MaxFragments,
		MaxFragments*SplitSize + 1: 0,
	} {
		if f := Split(reply(size), 1, 0); len(f) != fragments {
			t.Errorf("%d bytes: %d fragments, want %d", size, len(f), fragments)
		}
	}
}

func TestAssemblerJoinsFragmentsInAnyOrder(t *testing.T) {
	want := reply(3000)
	reversed := Split(want, 1, 0)
	slices.Reverse(reversed)
	doubled := Split(want, 1, 0)
	doubled = slices.Concat(doubled[:1], doubled[:1], doubled[1:2], doubled)
	one, two := Split(want, 1, 0), Split(reply(2000), 2, 0)
	for name, fragments := range map[string][][]byte{
		"in order": one, "in reverse order": reversed, "with duplicates": doubled,
		"interleaved with another reply": {two[0], one[0], one[2], one[1], two[1]},
	} {
		t.Run(name, func(t *testing.T) {
			var a Assembler
			got, err := join(&a, fragments)
			if err != nil || !bytes.Equal(got, want) {
				t.Fatalf("%d bytes, %v", len(got), err)
			}
		})
	}
	t.Run("a server that reuses an ID", func(t *testing.T) {
		var a Assembler
		if _, err := a.Add(Split(reply(5000), 1, 0)[0]); err != nil {
			t.Fatal(err)
		}
		if b, err := join(&a, one); err != nil || !bytes.Equal(b, want) {
			t.Errorf("%d bytes, %v", len(b), err)
		}
	})
	t.Run("compressed", func(t *testing.T) {
		var a Assembler
		fragments := compressed(rules40Size, rules40Sum)
		slices.Reverse(fragments)
		b, err := join(&a, fragments)
		if err != nil {
			t.Fatal(err)
		}
		rules, err := ParseRules(b)
		if err != nil || len(rules) != 40 || rules[39].Name != rules40Name {
			t.Errorf("got %+v, %v", rules, err)
		}
	})
	t.Run("a duplicate empty fragment counts once", func(t *testing.T) {
		var a Assembler
		empty := unhex(t, "fe ff ff ff 01 00 00 00 02 01 e0 04")
		if b, err := join(&a, [][]byte{empty, empty}); b != nil || err != nil {
			t.Errorf("got % x, %v", b, err)
		}
	})
}

func TestAssemblerRejectsInvalidFragments(t *testing.T) {
	const sum = rules40Sum
	bomb := unhex(t, "fe ff ff ff 01 00 00 80 01 00 e0 04 ff ff ff 7f 00 00 00 00 42 5a 68 39")
	for name, c := range map[string]struct {
		fragments [][]byte
		want      error
	}{
		"not a fragment":          {[][]byte{[]byte("hello")}, ErrMalformed},
		"truncated header":        {[][]byte{unhex(t, "fe ff ff ff 01 00 00 00 02 00 e0")}, ErrMalformed},
		"number out of range":     {[][]byte{unhex(t, "fe ff ff ff 01 00 00 00 02 02 e0 04")}, ErrMalformed},
		"zero fragments in total": {[][]byte{unhex(t, "fe ff ff ff 01 00 00 00 00 00 e0 04")}, ErrMalformed},
		"too many fragments":      {[][]byte{unhex(t, "fe ff ff ff 01 00 00 00 41 00 e0 04")}, ErrTooLarge},
		"a reply without header":  {Split([]byte("hello"), 1, 0), ErrMalformed},
		"a size that is a bomb":   {[][]byte{bomb}, ErrTooLarge},
		"a wrong size":            {compressed(rules40Size-1, sum), ErrMalformed},
		"a larger size":           {compressed(rules40Size+1, sum), ErrMalformed},
		"a wrong checksum":        {compressed(rules40Size, sum+1), ErrMalformed},
		"compressed without data": {Split([]byte("1234567"), 1|Compressed, 0), ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			var a Assembler
			if b, err := join(&a, c.fragments); !errors.Is(err, c.want) {
				t.Errorf("got %d bytes, error %v, want %v", len(b), err, c.want)
			}
		})
	}
}

func TestAssemblerLimitsMemory(t *testing.T) {
	var a Assembler
	big := make([]byte, 65000)
	copy(big, unhex(t, "fe ff ff ff 00 00 00 00 40 00 e8 fd"))
	for id := range 100 {
		for n := range MaxFragments - 1 {
			binary.LittleEndian.PutUint32(big[4:], uint32(id))
			big[9] = byte(n)
			_, _ = a.Add(big)
			if a.size > MaxReply || len(a.replies) > maxPartial {
				t.Fatalf("holds %d bytes in %d replies", a.size, len(a.replies))
			}
		}
	}
	a.Reset()
	if b, err := join(&a, Split(reply(3000), 1, 0)); err != nil || len(b) != 3000 {
		t.Errorf("afterwards: %d bytes, %v", len(b), err)
	}
	if a.size != 0 || len(a.replies) != 0 {
		t.Errorf("still holds %d bytes in %d replies", a.size, len(a.replies))
	}
}
