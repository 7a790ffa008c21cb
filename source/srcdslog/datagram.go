package srcdslog

import (
	"bytes"
	"errors"
	"fmt"
)

// ErrMalformed is returned for a datagram without a log line.
var ErrMalformed = errors.New("malformed datagram")

const (
	plain  = "\xff\xff\xff\xffR"
	secret = "\xff\xff\xff\xffS"
)

// ParseDatagram returns the line in a datagram, without its line end. With sv_logsecret the line is
// preceded by the secret, a decimal number, which is returned as key. Compare it in constant time.
func ParseDatagram(b []byte) (key string, hasSecret bool, line string, err error) {
	rest, ok := bytes.CutPrefix(b, []byte(plain))
	if !ok {
		if rest, hasSecret = bytes.CutPrefix(b, []byte(secret)); !hasSecret {
			return "", false, "", fmt.Errorf("srcdslog: %w", ErrMalformed)
		}
		n := 0
		for n < len(rest) && rest[n] >= '0' && rest[n] <= '9' {
			n++
		}
		if n == 0 {
			return "", false, "", fmt.Errorf("srcdslog: datagram without its secret: %w", ErrMalformed)
		}
		key, rest = string(rest[:n]), rest[n:]
	}
	return key, hasSecret, string(bytes.TrimRight(rest, "\r\n\x00")), nil
}

// AppendDatagram appends the datagram in which a server sends a line, given without its line end. key
// is sv_logsecret in decimal, or empty for none.
func AppendDatagram(dst []byte, key, line string) []byte {
	if key == "" {
		dst = append(dst, plain...)
	} else {
		dst = append(append(dst, secret...), key...)
	}
	dst = append(dst, line...)
	return append(dst, '\n', 0)
}
