package left4me

import (
	"encoding/json"
	"strings"
)

// MaxName is the longest name in bytes.
const MaxName = 64

// LocalHost is the name of the host on the machine of the database. Only the program
// says it; everything else has the host of what it works on, or the list of hosts.
const LocalHost Name = "local"

// Name names a server, an overlay, a blueprint or a host. It matches
// [a-z0-9][a-z0-9_-]{0,63}, so that it can be a file name, a part of a unit
// name and a token of a bus subject without any quoting. A string never becomes
// a path; a Name may.
type Name string

// ParseName checks s and returns it as a Name. The error is an *Error of kind
// Invalid for the field "name".
func ParseName(s string) (Name, error) {
	if !validName(s) {
		return "", NewError(Invalid, "name.invalid", "name", truncate(s, 80)).InField("name")
	}
	return Name(s), nil
}

// JoinNames returns names with commas between them.
func JoinNames(all []Name) string {
	texts := make([]string, len(all))
	for i, n := range all {
		texts[i] = string(n)
	}
	return strings.Join(texts, ", ")
}

// Valid reports whether n could have come from ParseName.
func (n Name) Valid() bool { return validName(string(n)) }

func (n Name) String() string { return string(n) }

// UnmarshalJSON refuses anything that ParseName refuses, so that a message
// from outside can't carry a path in a name. The empty string is allowed: it
// means that the field was left out.
func (n *Name) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	if s == "" {
		*n = ""
		return nil
	}
	name, err := ParseName(s)
	if err != nil {
		return err
	}
	*n = name
	return nil
}

func validName(s string) bool {
	if len(s) == 0 || len(s) > MaxName {
		return false
	}
	for i := range len(s) {
		c := s[i]
		alnum := c >= 'a' && c <= 'z' || c >= '0' && c <= '9'
		if !alnum && (i == 0 || c != '_' && c != '-') {
			return false
		}
	}
	return true
}

// truncate keeps an error readable when the input was not.
func truncate(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return s[:n] + "…"
}
