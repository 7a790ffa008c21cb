package accounts

import (
	"errors"
	"strings"
	"testing"
)

// Created by Werkzeug from the password "correct horse battery".
const (
	ofScrypt = "scrypt:32768:8:1$saltsalt$" +
		"5e49d4573bda3049c4bfd6c3f4df857e6618101f46d1ed217fef9ee416375d4967e577b44d467f243c1637c289e35e730f44172e4569f75a4babece1443c6b0f"
	ofPBKDF2 = "pbkdf2:sha256:260000$ABCdef12$f836fde588aa830c264182911b44ea6101e2ade7bc75316300df8f59b758367c"
)

func TestVerifyWerkzeugHashes(t *testing.T) {
	h := newHashing(cheap)
	for _, stored := range []string{ofScrypt, ofPBKDF2} {
		if err := CheckImported(stored); err != nil {
			t.Errorf("%s: %v", stored, err)
		}
		for password, want := range map[string]bool{"correct horse battery": true, "correct horse batterY": false, "": false} {
			if ok, err := h.verify(t.Context(), stored, password); ok != want || err != nil {
				t.Errorf("%s with %q: %v, %v", stored, password, ok, err)
			}
		}
	}
}

func TestCheckImportedRefusesInvalidHashes(t *testing.T) {
	key := strings.Repeat("ab", 64)
	for _, stored := range []string{
		"", "x", "plain", "sha256$salt$" + key[:64], "md5$salt$" + key[:32],
		"pbkdf2:sha256$salt$" + key[:64], // without rounds: Werkzeug's default differs between versions
		"pbkdf2:md5:1000$salt$" + key[:32], "pbkdf2:sha256:0$salt$" + key[:64], "pbkdf2:sha256:99999999999$salt$" + key[:64],
		"pbkdf2:sha256:1000$$" + key[:64], "pbkdf2:sha256:1000$salt$" + key[:62], "pbkdf2:sha256:1000$salt$zz" + key[:62],
		"scrypt:32769:8:1$salt$" + key, "scrypt:1048576:32:1$salt$" + key, "scrypt:32768:8:99$salt$" + key, "scrypt:1:8:1$salt$" + key,
		"scrypt:32768:8$salt$" + key, "scrypt:-2:8:1$salt$" + key, ofScrypt + "$", "$argon2id$v=19$m=64,t=1,p=1$c2FsdA$aGFzaA",
	} {
		if err := CheckImported(stored); !errors.Is(err, errImported) {
			t.Errorf("%q: %v", stored, err)
		}
	}
}

func FuzzParseImported(f *testing.F) {
	for _, s := range []string{ofScrypt, ofPBKDF2, "pbkdf2:sha1:1$a$", "scrypt:2:1:1$$", "$$", "scrypt:::$:$"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, stored string) {
		v, err := parseImported(stored)
		if err != nil {
			return
		}
		if v.salt == "" || len(v.key) < 20 || v.cost[0] < 1 || v.digest == nil && 128*v.cost[0]*v.cost[1] > maxScryptMemory {
			t.Errorf("%q: %+v", stored, v)
		}
	})
}
