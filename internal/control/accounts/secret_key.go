package accounts

import (
	"strings"

	"github.com/left4me/left4me/internal/left4me"
)

// MinSecret is the minimum length of a secret key, in bytes.
const MinSecret = 32

// wellKnown lists prefixes of keys that come from examples and were never replaced.
var wellKnown = []string{
	"changeme", "change-me", "change_me", "change me", "secret", "password", "default", "example", "insecure",
	"dev-", "development", "test", "todo", "replace", "your-", "your_", "left4me", "123456", "0123456789", "abcdef", "qwerty",
	"django-insecure",
}

// CheckSecret returns an error if s cannot be used as a secret key: a missing, short or well-known
// key makes every cookie forgeable. Errors: left4me.Invalid.
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

// distinct returns the number of distinct bytes in s.
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

// oneCharacter reports whether s consists of one repeated byte.
func oneCharacter(s string) bool { return distinct(s) < 2 }
