package left4me

import (
	"encoding/json"
	"strings"
)

// MaxName is the maximum length of a name in bytes.
const MaxName = 64

// LocalHost is the name of the host on the machine of the database. Only cmd/left4me uses this
// name; all other code takes the host from the object it works on or from the list of hosts.
const LocalHost Name = "local"

// Name is the name of a server, an overlay, a blueprint or a host. It matches
// [a-z0-9][a-z0-9_-]{0,63}, so it is safe as a file name, a part of a unit name and a token of a
// bus subject without quoting. A string never becomes a path; a Name may.
type Name string

// ParseName checks s and returns it as a Name. The error is an *Error of kind
// Invalid for the field "name".
func ParseName(s string) (Name, error) {
	if !validName(s) {
		return "", NewError(Invalid, "name.invalid", "name", truncate(s, 80)).InField("name")
	}
	return Name(s), nil
}

// JoinNames returns names separated by commas.
func JoinNames(all []Name) string {
	texts := make([]string, len(all))
	for i, n := range all {
		texts[i] = string(n)
	}
	return strings.Join(texts, ", ")
}

// Valid reports whether ParseName accepts n.
func (n Name) Valid() bool { return validName(string(n)) }

func (n Name) String() string { return string(n) }

// UnmarshalJSON rejects everything that ParseName rejects, so a message from outside cannot smuggle
// a path into a Name. The empty string is allowed: it represents an absent field.
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

// truncate shortens s to n bytes to keep error texts readable.
func truncate(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return s[:n] + "…"
}
