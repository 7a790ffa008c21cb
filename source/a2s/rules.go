package a2s

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Rule is an entry of the answer to A2S_RULES: a variable that the server shows to everybody.
type Rule struct{ Name, Value string }

// ParseRules reads an A2S_RULES reply. Left 4 Dead 2 often doesn't send one, or cuts it: the entries that are
// complete are returned then, without an error.
func ParseRules(b []byte) ([]Rule, error) {
	kind, rest, ok := cutHeader(b)
	if !ok || kind != ReplyRules || len(rest) < 2 {
		return nil, fmt.Errorf("a2s: rules: %w", ErrMalformed)
	}
	r := reader{b: rest}
	n := int(r.u16())
	// An entry takes two bytes at least; the count alone must not make us allocate.
	rules := make([]Rule, 0, min(n, len(r.b)/2))
	for ; n > 0; n-- {
		var rule Rule
		r.text(&rule.Name)
		r.text(&rule.Value)
		if r.short {
			break
		}
		rules = append(rules, rule)
	}
	return rules, nil
}

// AppendRules appends an A2S_RULES reply with at most 65535 entries. See [Split] for what exceeds [MaxDatagram].
func AppendRules(dst []byte, rules []Rule) []byte {
	rules = rules[:min(len(rules), math.MaxUint16)]
	dst = append(dst, single...)
	dst = append(dst, ReplyRules)
	dst = binary.LittleEndian.AppendUint16(dst, uint16(len(rules)))
	for _, r := range rules {
		dst = appendString(dst, r.Name)
		dst = appendString(dst, r.Value)
	}
	return dst
}
