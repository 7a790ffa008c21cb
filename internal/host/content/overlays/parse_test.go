package overlays

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"path"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func some(n int) Manifest {
	var m Manifest
	for i := range n {
		name := "left4dead2/addons/" + strings.Repeat("x", i%7) + string(rune('a'+i%26)) + strings.Repeat("y", i/26)
		m = append(m, Entry{Path: name, Size: int64(i), Exec: i%3 == 0, Hash: sha256.Sum256([]byte{byte(i)})})
	}
	m = append(m, Entry{Path: "empty", Dir: true}, Entry{Path: "link", Odd: true})
	m.sort()
	return m
}

func TestManifestRoundTrips(t *testing.T) {
	m := some(200)
	p, err := parseManifest(appendManifest(nil, 0, nil, m))
	if err != nil || p.base != 0 {
		t.Fatal(err)
	}
	if d := cmp.Diff(m, Manifest(p.entries)); d != "" {
		t.Errorf("mismatch (-want +got):\n%s", d)
	}
	// The delta to a similar manifest is small.
	n := append(Manifest{{Path: "a/new", Size: 1}}, m[3:]...)
	n[10].Size++
	short := appendManifest(nil, 7, m, n)
	if p, err = parseManifest(short); err != nil || p.base != 7 || len(p.entries) != 5 {
		t.Errorf("got %d entries, base %d, %v, want 5, 7", len(p.entries), p.base, err)
	}
	if d := cmp.Diff(n, p.over(m)); d != "" {
		t.Errorf("mismatch (-want +got):\n%s", d)
	}
	for _, i := range []int{0, 20, len(short) / 2, len(short) - 1} {
		bad := bytes.Clone(short)
		bad[i]++
		if _, err := parseManifest(bad); !errors.Is(err, errManifest) {
			t.Errorf("byte %d changed: got %v, want errManifest", i, err)
		}
		if _, err := parseManifest(short[:i]); !errors.Is(err, errManifest) {
			t.Errorf("truncated to %d bytes: got %v, want errManifest", i, err)
		}
	}
}

func FuzzManifest(f *testing.F) {
	for _, seed := range [][]byte{
		nil, appendManifest(nil, 0, nil, nil), appendManifest(nil, 0, nil, some(30)),
		appendManifest(nil, 2, some(30), some(20)),
	} {
		f.Add(seed)
		if len(seed) > sha256.Size {
			f.Add(seed[:len(seed)-sha256.Size])
		}
	}
	base := some(30)
	f.Fuzz(func(t *testing.T, data []byte) {
		sum := sha256.Sum256(data)
		for _, d := range [][]byte{data, append(bytes.Clone(data), sum[:]...)} { // the second one has a valid checksum
			p, err := parseManifest(d)
			if err != nil {
				continue
			}
			m := Manifest(p.entries)
			if p.base != 0 {
				m = p.over(base)
			}
			for i := range m[:max(0, len(m)-1)] {
				if m[i].Path >= m[i+1].Path {
					t.Fatalf("%q is sorted before %q", m[i].Path, m[i+1].Path)
				}
			}
			back, err := parseManifest(appendManifest(nil, 0, nil, m))
			if err != nil || len(back.entries) != len(m) {
				t.Fatalf("the decoded manifest can't be encoded again: %v", err)
			}
		}
	})
}

func FuzzRecord(f *testing.F) {
	for _, seed := range []string{
		"", "{}", `{"v":1,"current":2,"last":2,"revisions":[{"number":2,"label":"x"},{"number":1,"hand":true}]}`,
		`{"v":1,"last":-1}`, `{"v":1,"revisions":[{"number":1},{"number":1}]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := parseRecord(data)
		if err != nil {
			if !errors.Is(err, errRecord) {
				t.Fatal(err)
			}
			return
		}
		for _, v := range r.Revisions {
			if v.Number < 1 || v.Number > r.Last {
				t.Fatalf("revision %+v is not between 1 and %d", v, r.Last)
			}
		}
	})
}

func FuzzCheckPath(f *testing.F) {
	for _, seed := range []string{
		"a", "left4dead2/addons/a.vpk", "../x", "a/../../x", "/etc", "a//b", "a/./b", "a\x00b", "a\nb", "\xff",
		"é", "e\u0301", ".", "..", "a/..",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, p string) {
		if CheckPath(p) != nil {
			return
		}
		if path.IsAbs(p) || path.Clean(p) != p || strings.HasPrefix(path.Join("/x", p), "/x/") == false {
			t.Fatalf("CheckPath(%q) accepts a path outside of the layer", p)
		}
		if k := Fold(p); Fold(k) != k {
			t.Fatalf("Fold(%q) = %q, but Fold of that is %q", p, k, Fold(k))
		}
	})
}

func TestFoldIgnoresCaseAndNormalisation(t *testing.T) {
	for _, same := range [][2]string{{"a/B", "A/b"}, {"é", "e\u0301"}, {"É", "e\u0301"}, {"ÜBER", "über"}, {"ſ", "S"}, {"K", "\u212a"}} {
		if Fold(same[0]) != Fold(same[1]) {
			t.Errorf("Fold(%q) and Fold(%q) differ", same[0], same[1])
		}
	}
	if Fold("a") == Fold("b") || Fold("ab") == Fold("a/b") {
		t.Error("Fold returns the same for different paths")
	}
}
