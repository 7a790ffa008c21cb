package accounts

import (
	"strings"

	"github.com/left4me/left4me/internal/left4me"
)

// MinSecret is the shortest secret key in bytes.
const MinSecret = 32

// wellKnown are beginnings of keys that stand in examples and are forgotten
// there.
var wellKnown = []string{
	"changeme", "change-me", "change_me", "change me", "secret", "password", "default", "example", "insecure",
	"dev-", "development", "test", "todo", "replace", "your-", "your_", "left4me", "123456", "0123456789", "abcdef", "qwerty",
	"django-insecure",
}

// CheckSecret says whether a secret key can be used: one that is missing, short
// or well known makes every cookie forgeable. Errors: left4me.Invalid.
func CheckSecret(s string) error {
	lower := strings.ToLower(strings.TrimSpace(s))
	switch {
	case lower == "":
		return left4me.NewError(left4me.Invalid, "secret_key.missing")
	case len(s) < MinSecret:
		return left4me.NewError(left4me.Invalid, "secret_key.too_short", "have", len(s), "least", MinSecret)
	case distinct(s) < 8:
		return left4me.NewError(left4me.Invalid, "secret_key.repetitive")
	}
	for _, w := range wellKnown {
		if strings.HasPrefix(lower, w) {
			return left4me.NewError(left4me.Invalid, "secret_key.well_known")
		}
	}
	return nil
}

// distinct counts the different bytes of s.
func distinct(s string) int {
	var seen [256]bool
	n := 0
	for i := range len(s) {
		if !seen[s[i]] {
			seen[s[i]] = true
			n++
		}
	}
	return n
}

// oneCharacter reports whether s repeats one character.
func oneCharacter(s string) bool { return distinct(s) < 2 }
