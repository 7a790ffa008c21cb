package place

import (
	"bytes"
	"path"
	"strings"

	"github.com/left4me/left4me/internal/host/content/overlays"
)

// plain returns the beginning of a text without a byte order mark. UTF-16 is reduced to single
// bytes, with ? for characters beyond Latin-1.
func plain(head []byte) []byte {
	switch {
	case bytes.HasPrefix(head, []byte("\xef\xbb\xbf")):
		return head[3:]
	case bytes.HasPrefix(head, []byte("\xff\xfe")), bytes.HasPrefix(head, []byte("\xfe\xff")):
		out := make([]byte, 0, len(head)/2)
		first := 0
		if head[0] == 0xfe {
			first = 1
		}
		for i := 2 + first; i < len(head); i += 2 {
			if i^1 < len(head) && head[i^1] != 0 {
				out = append(out, '?')
				continue
			}
			out = append(out, head[i])
		}
		return out
	}
	return head
}

// token reads the next token of KeyValues. A brace is a token; quoted is set for quoted text, which
// may be a brace, too. rest is the remaining input; ok is false at the end.
func token(b []byte) (tok string, quoted bool, rest []byte, ok bool) {
	for {
		b = bytes.TrimLeft(b, " \t\r\n\v\f\x00")
		switch {
		case bytes.HasPrefix(b, []byte("//")):
			n := bytes.IndexByte(b, '\n')
			if n < 0 {
				return "", false, nil, false
			}
			b = b[n:]
			continue
		case bytes.HasPrefix(b, []byte("/*")):
			n := bytes.Index(b[2:], []byte("*/"))
			if n < 0 {
				return "", false, nil, false
			}
			b = b[n+4:]
			continue
		case len(b) == 0:
			return "", false, nil, false
		}
		break
	}
	if b[0] == '"' {
		n := bytes.IndexByte(b[1:], '"')
		if n < 0 {
			return "", true, nil, false
		}
		return string(b[1 : 1+n]), true, b[n+2:], true
	}
	if b[0] == '{' || b[0] == '}' {
		return string(b[:1]), false, b[1:], true
	}
	n := bytes.IndexAny(b, " \t\r\n\"{}")
	if n < 0 {
		n = len(b)
	}
	return string(b[:n]), false, b[n:], true
}

// root returns the lower-case name of the first block of a KeyValues text, and the part of its
// content that is available.
func root(head []byte) (name string, inside []byte, ok bool) {
	b := plain(head)
	for range 8 { // skips #base lines
		tok, quoted, rest, more := token(b)
		if !more || !quoted && (tok == "{" || tok == "}") {
			return "", nil, false
		}
		if strings.HasPrefix(tok, "#") { // #base "file"
			if _, _, rest, more = token(rest); !more {
				return "", nil, false
			}
			b = rest
			continue
		}
		next, q, after, more := token(rest)
		for more && !q && strings.HasPrefix(next, "[") {
			next, q, after, more = token(after)
		}
		if more && !q && next == "{" {
			return strings.ToLower(tok), after, true
		}
		return "", nil, false
	}
	return "", nil, false
}

// program64 reports whether a file is a 64-bit ELF program (ELF, e_ident[EI_CLASS]).
func program64(head []byte) bool {
	return len(head) > 4 && string(head[:4]) == "\x7fELF" && head[4] == 2
}

// Root returns the lower-case name of the first block of a KeyValues text, given its beginning.
func Root(head []byte) (string, bool) {
	name, _, ok := root(head)
	return name, ok
}

// Program is a program that a .vdf file loads.
type Program struct {
	Path    string // in the layer without extension: left4dead2/addons/l4dtoolz
	Metamod bool   // a Metamod plugin rather than a plugin of the game
}

// ReadProgram parses the beginning of a .vdf file that loads a plugin of the game ("Plugin") or of
// Metamod ("Metamod Plugin"). It returns false for other files.
func ReadProgram(head []byte) (Program, bool) {
	name, b, ok := root(head)
	if !ok || name != "plugin" && name != "metamod plugin" {
		return Program{}, false
	}
	p := Program{Metamod: name == "metamod plugin"}
	for range 32 {
		key, _, rest, more := token(b)
		if !more {
			break
		}
		value, _, rest, more := token(rest)
		if !more {
			break
		}
		b = rest
		if strings.EqualFold(key, "file") {
			file := strings.ReplaceAll(strings.ToLower(value), `\`, "/")
			// Paths are relative to the game's directory; some go through its parent.
			file = strings.TrimPrefix(path.Clean("/"+strings.TrimPrefix(file, "../")), "/")
			if !strings.HasPrefix(file, game+"/") {
				file = game + "/" + file
			}
			if file = strings.TrimSuffix(file, ".so"); overlays.CheckPath(file) == nil && path.Base(file) != game {
				p.Path = file
			}
			break
		}
	}
	return p, true
}

// stripper reports whether a text contains rules of Stripper:Source.
func stripper(head []byte) bool {
	for line := range bytes.Lines(plain(head)) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == ';' || line[0] == '#' || bytes.HasPrefix(line, []byte("//")) {
			continue
		}
		switch strings.ToLower(strings.TrimRight(string(line), " {\t")) {
		case "add:", "filter:", "modify:", "match:", "remove:":
			return true
		}
		return false
	}
	return false
}

// isINI reports whether a text begins with a section header in brackets.
func isINI(head []byte) bool {
	for line := range bytes.Lines(plain(head)) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == ';' || line[0] == '#' {
			continue
		}
		return line[0] == '[' && bytes.HasSuffix(line, []byte("]"))
	}
	return false
}

// onlyComments reports whether the beginning of a text contains only comments.
func onlyComments(head []byte) bool {
	_, _, _, ok := token(plain(head))
	return !ok
}
