package a2s

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Rule is an entry of an A2S_RULES reply: a variable that the server publishes.
type Rule struct{ Name, Value string }

// ParseRules parses an A2S_RULES reply. Left 4 Dead 2 often sends none or truncates it; ParseRules
// returns the complete entries of a truncated reply without an error.
func ParseRules(b []byte) ([]Rule, error) {
	kind, rest, ok := cutHeader(b)
	if !ok || kind != ReplyRules || len(rest) < 2 {
		return nil, fmt.Errorf("a2s: rules: %w", ErrMalformed)
	}
	r := reader{b: rest}
	n := int(r.u16())
	// An entry has at least two bytes. The count alone must not cause a large allocation.
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

// AppendRules appends an A2S_RULES reply with at most 65535 entries. Use [Split] for a reply larger
// than [MaxDatagram].
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
