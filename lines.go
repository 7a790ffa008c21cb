package left4me

import "strings"

// LineChange is a line of two texts that are compared.
type LineChange struct {
	Was, Is bool // in the old text, in the new one; most are in both
	Text    string
}

// maxDiffLines bounds the work of DiffLines: longer texts are shown whole, the old
// one and then the new one.
const maxDiffLines = 2000

// DiffLines compares two texts line by line: what is in both, in order, and
// between that what went and what came.
func DiffLines(was, is string) []LineChange {
	a, b := splitLines(was), splitLines(is)
	out := make([]LineChange, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		out = append(out, LineChange{true, true, a[0]})
		a, b = a[1:], b[1:]
	}
	var tail []LineChange
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		tail = append([]LineChange{{true, true, a[len(a)-1]}}, tail...)
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	if len(a) > maxDiffLines || len(b) > maxDiffLines {
		for _, l := range a {
			out = append(out, LineChange{Was: true, Text: l})
		}
		for _, l := range b {
			out = append(out, LineChange{Is: true, Text: l})
		}
		return append(out, tail...)
	}
	common := longestCommon(a, b)
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			out = append(out, LineChange{true, true, a[i]})
			i, j = i+1, j+1
		case j == len(b) || i < len(a) && common[i+1][j] >= common[i][j+1]:
			out = append(out, LineChange{Was: true, Text: a[i]})
			i++
		default:
			out = append(out, LineChange{Is: true, Text: b[j]})
			j++
		}
	}
	return append(out, tail...)
}

// longestCommon says for each pair of ends how many lines these have in common, in
// order.
func longestCommon(a, b []string) [][]uint16 {
	rows := make([][]uint16, len(a)+1)
	cells := make([]uint16, (len(a)+1)*(len(b)+1))
	for i := range rows {
		rows[i], cells = cells[:len(b)+1], cells[len(b)+1:]
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				rows[i][j] = rows[i+1][j+1] + 1
			} else {
				rows[i][j] = max(rows[i+1][j], rows[i][j+1])
			}
		}
	}
	return rows
}

func splitLines(s string) []string {
	if s = strings.TrimSuffix(s, "\n"); s == "" {
		return nil
	}
	return strings.Split(s, "\n")
}
