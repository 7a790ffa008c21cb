package accounts

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/store"
)

// An attacker with the database or a copy of it cannot log in with its contents.
func TestDatabaseContainsNoCredentials(t *testing.T) {
	dir := t.TempDir()
	st, err := store.Open(t.Context(), filepath.Join(dir, "left4me.db"))
	if err != nil {
		t.Fatal(err)
	}
	a := New(st, "a secret of the tests", slog.New(slog.DiscardHandler))
	a.hashing = newHashing(cheap)
	al, err := a.CreateUser(t.Context(), "Al", password, true)
	if err != nil {
		t.Fatal(err)
	}
	cookie := a.mustLogin(t)
	token, err := a.CreateToken(t.Context(), al.Actor, "the label", time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	st.Close()
	var all []byte
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, b...)
	}
	if !bytes.Contains(all, []byte("the label")) {
		t.Fatal("the label is missing: the test reads the wrong files")
	}
	for what, secret := range map[string]string{
		"password":                 password,
		"cookie":                   cookie,
		"token":                    token,
		"token without its prefix": strings.TrimPrefix(token, TokenPrefix),
	} {
		if bytes.Contains(all, []byte(secret)) {
			t.Errorf("the database contains the %s", what)
		}
	}
}

// bytesIn returns all bytes reachable from a value through pointers and interfaces.
func bytesIn(v reflect.Value) (all []byte) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			all = bytesIn(v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			all = append(all, bytesIn(v.Field(i))...)
		}
	case reflect.Slice, reflect.Array:
		if v.Kind() == reflect.Slice {
			v = v.Slice(0, v.Cap())
		}
		for i := range v.Len() {
			if e := v.Index(i); e.Kind() == reflect.Uint8 {
				all = append(all, byte(e.Uint()))
			} else {
				all = append(all, bytesIn(e)...)
			}
		}
	}
	return all
}

// Pooled hashes keep nothing of the last token, because a core dump could contain left4me's memory.
func TestKeyedHashKeepsNoToken(t *testing.T) {
	h := newKeyedHash([]byte("a key of the tests, of 32 bytes."))
	long := strings.Repeat("0123456789abcdef", 8)
	for i, value := range []string{"l4m_ahg5Ieph8ohNgaiPh1ohSohthaequ4Ahcoo7eiG", "l4m_second", long} {
		h.Write([]byte(value))
		if !bytes.Contains(bytesIn(reflect.ValueOf(h)), []byte(value[len(value)-8:])) && len(value) < 64 {
			t.Fatal("the hash doesn't hold the value before the reset: the test checks nothing")
		}
		h.Reset()
		sum := h.digest(value)
		if h.digest(value) != sum || h.digest("another one, to be sure") == sum {
			t.Errorf("%q: digests of equal values differ, or those of different values are equal", value)
		}
		h.digest(value)
		have := bytesIn(reflect.ValueOf(h))
		for from := range len(value) - 7 {
			if bytes.Contains(have, []byte(value[from:from+8])) {
				t.Errorf("value %d: %q is still in memory", i, value[from:from+8])
				break
			}
		}
	}
	first := newKeyedHash([]byte("a key of the tests, of 32 bytes."))
	first.digest("l4m_used once only")
	if bytes.Contains(bytesIn(reflect.ValueOf(first)), []byte("used once")) {
		t.Error("the first value is still in memory")
	}
}

func TestChangedSecretEndsAllSessions(t *testing.T) {
	a, c := newAccounts(t)
	cookie := a.mustLogin(t)
	other := New(a.storage, "another secret", slog.New(slog.DiscardHandler))
	other.now = c.now
	if _, err := other.Authenticate(t.Context(), cookie); !errors.Is(err, left4me.Denied) {
		t.Errorf("got error %v", err)
	}
}

func TestWeakSecretKeysAreRefused(t *testing.T) {
	for _, weak := range []string{
		"", "   ", "short", strings.Repeat("a", 64), strings.Repeat("ab", 32), "changeme-changeme-changeme-changeme",
		"Django-Insecure-q8w7e6r5t4y3u2i1o0p9a8s7",
		"left4me-development-secret-key-0123", "0123456789abcdef0123456789abcdef",
	} {
		if err := CheckSecret(weak); !errors.Is(err, left4me.Invalid) {
			t.Errorf("%q: %v", weak, err)
		}
	}
	if err := CheckSecret("8f14e45fceea167a5a36dedd4bea2543a1b2c3d4e5f60718293a4b5c6d7e8f90"); err != nil {
		t.Error(err)
	}
}

func TestRandomIsUniform(t *testing.T) {
	counts := map[rune]int{}
	const n = 62 * 1000
	for _, r := range random(n) {
		counts[r]++
	}
	for _, r := range base62 {
		if c := counts[r]; c < 800 || c > 1200 {
			t.Errorf("%c occurs %d times in %d characters", r, c, n)
		}
	}
}
