package vdf

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// MaxToken is the number of bytes of a key or a value that the game reads. Newer branches of the engine
// read 4,095.
const MaxToken = 1023

// maxProblems limits the problems that [ParseGame] returns. After the first mistake almost every line
// may have one.
const maxProblems = 100

// ProblemKind is the kind of a [Problem].
type ProblemKind int

// Problem kinds.
const (
	// Encoding: the file is UTF-16 or begins with a byte order mark, so the game reads other text
	// than its author wrote. No other problems of such a file are reported.
	Encoding ProblemKind = iota + 1
	// Quote: a quotation mark is missing or superfluous. From this line on keys and values may be
	// swapped, so further problems are not reported.
	Quote
	// LineBreak: a quoted value contains a line break. This may be intended, for example in a
	// description.
	LineBreak
	// Brace: a brace is missing or superfluous, so blocks are nested differently than their author
	// meant.
	Brace
	// Unclosed: blocks are closed only by the end of the file, and nothing shows where they should have
	// been. Often only the last braces are missing and nothing is lost.
	Unclosed
	// NoValue: a key has no value.
	NoValue
	// Cut: the game reads only the beginning of a key or a value.
	Cut
	// Condition: a part is omitted because of a condition that holds in other branches of the
	// engine.
	Condition
	// Bracket: a part is omitted because of a text in brackets that was probably not meant as a
	// condition.
	Bracket
	// Missing: a file named by #include or #base was not read.
	Missing
	// Limit: the file is larger or more deeply nested than this package supports; see MaxSize and
	// MaxDepth.
	Limit
)

// Problem is a place where the game reads a file differently from what its author probably meant.
type Problem struct {
	File string // name given to #include or #base, empty for the first file
	Line int    // counted from 1
	Kind ProblemKind
	Text string // description for people; may contain bytes of the file
}

// ParseGame parses a file as Left 4 Dead 2 does, which never rejects a file. It returns the tree that
// the game sees, never nil, and up to 100 problems, sorted by line. Keys and values are bytes in the
// encoding of the file: see [Decode].
//
// A key without a value is an empty block. The only condition that holds is [$WIN32], on every
// platform. The game truncates texts at MaxToken bytes and the file at its first zero byte. The option
// Escapes enables all escapes of C. If Include is nil, files named by #include and #base are omitted. A
// file over MaxSize returns an empty tree, and blocks deeper than MaxDepth are omitted.
//
// Source: tier1/KeyValues.cpp and utlbuffer.cpp of the branch l4d2 of github.com/alliedmodders/hl2sdk
// at cdf711a3. Other branches of the engine evaluate more conditions and read longer texts.
func ParseGame(b []byte, o Options) (*Node, []Problem) {
	left := MaxSize
	root, problems := parseGameFile(b, o, "", 0, &left)
	slices.SortStableFunc(problems, func(a, b Problem) int {
		if a.File != b.File {
			return strings.Compare(a.File, b.File)
		}
		return a.Line - b.Line
	})
	return root, problems
}

func parseGameFile(b []byte, o Options, name string, depth int, left *int) (*Node, []Problem) {
	root := &Node{Block: true}
	r := gameReader{file: name, line: 1, first: true, valid: true, escapes: o.Escapes}
	if *left -= sizeOf(b, depth); *left < 0 {
		r.problem(1, Limit, "more than %d bytes", MaxSize)
		return root, r.problems
	}
	if depth > maxIncludes {
		r.problem(1, Limit, "included too deep")
		return root, r.problems
	}
	text := string(b)
	encoding := gameEncoding(text)
	text, _, zero := strings.Cut(text, "\x00")
	r.text, r.zero = text, zero
	r.topLevel(root)
	r.end()
	if encoding != "" {
		r.problems = []Problem{{File: name, Line: 1, Kind: Encoding, Text: encoding}}
	} else if zero {
		r.problem(int32(1+strings.Count(text, "\n")), Cut, "a zero byte: the game reads the file up to here only")
	}
	r.include(root, o, depth, left)
	return root, r.problems
}

// gameEncoding describes the encoding of the text if the game does not support it, and otherwise
// returns "".
func gameEncoding(text string) string {
	switch {
	case strings.HasPrefix(text, "\xff\xfe"), len(text) > 3 && text[0] != 0 && text[1] == 0 && text[3] == 0:
		return "it is UTF-16 (little-endian)"
	case strings.HasPrefix(text, "\xfe\xff"), len(text) > 3 && text[0] == 0 && text[1] != 0 && text[2] == 0:
		return "it is UTF-16 (big-endian)"
	case strings.HasPrefix(text, "\xef\xbb\xbf"):
		return "it begins with a byte order mark"
	}
	return ""
}

// include applies #include and #base as the game does: the contents of #include files are appended, and
// the first key of each #base file fills in what the first key of this file lacks.
func (r *gameReader) include(root *Node, o Options, depth int, left *int) {
	if o.Include == nil {
		return
	}
	var bases []*Node
	for _, d := range r.directives {
		if *left < 0 {
			break // already reported
		}
		b, err := o.Include(d.Value)
		if err != nil {
			r.problem(int32(d.Line), Missing, "%s %s: %v", d.Key, excerpt(d.Value), err)
			continue
		}
		file, problems := parseGameFile(b, o, d.Value, depth+1, left)
		r.problems = append(r.problems, problems[:min(len(problems), max(0, maxProblems-len(r.problems)))]...)
		if d.Key == base {
			bases = append(bases, file)
			continue
		}
		root.Children = append(root.Children, file.Children...)
	}
	for _, f := range bases {
		if len(root.Children) > 0 && len(f.Children) > 0 {
			root.Children[0].merge(f.Children[0])
		}
	}
}

// gameToken is a token of the engine's parser. ok is false if the engine returns no token, at the end
// of the file.
type gameToken struct {
	text      string
	line      int32
	indent    int32 // indentation of the line for its first token, else -1
	ok        bool
	quoted    bool
	condition bool
	glued     bool // no white space before it
	open      bool // quotation mark without a closing one
	over      bool // contains a line break
	cut       bool
}

// brace reports whether the token is the unquoted brace b.
func (t gameToken) brace(b string) bool { return t.ok && !t.quoted && t.text == b }

type gameReader struct {
	file    string
	text    string
	pos     int
	line    int32
	start   int  // offset of the line's first byte
	first   bool // no token of the line has been read
	valid   bool // state of the engine's buffer: false permanently once the end was reached
	escapes bool
	moved   bool // white space before pos was skipped
	slab    []Node

	stack []gameBlock
	deep  int // depth of nested blocks that are omitted

	quoted bool // the previous token was quoted
	value  bool // the previous token was a value

	directives []*Node
	problems   []Problem
	split      *Problem // first key whose value is on another line
	early      *Problem // first key or brace whose indentation suggests that an earlier block had ended
	late       *Problem // first closing brace whose indentation suggests that its block had ended before
	structure  bool     // a structural problem that split may explain
	swapped    bool     // a quotation mark is missing or superfluous, which explains all later problems
	zero       bool     // the file continues after a zero byte
}

// gameBlock is an open block.
type gameBlock struct {
	node     *Node
	parent   *Node // nil at the top level
	accepted bool
	key      int32 // indentation of the key, -1 if something precedes it
	brace    int32
	inner    int32 // indentation of the first key inside, 0 until known
}

func (r *gameReader) problem(line int32, kind ProblemKind, format string, args ...any) {
	if len(r.problems) < maxProblems && (!r.swapped || kind == Limit || kind == Missing) {
		r.problems = append(r.problems, Problem{File: r.file, Line: int(line), Kind: kind, Text: fmt.Sprintf(format, args...)})
	}
}

// addCause records a problem that explains others. It replaces the last problem if there are too many.
func (r *gameReader) addCause(p *Problem) {
	if !r.swapped {
		r.problems = append(r.problems[:min(len(r.problems), maxProblems-1)], *p)
	}
}

// quoteProblem records a missing or superfluous quotation mark.
func (r *gameReader) quoteProblem(line int32, format string, args ...any) {
	r.problem(line, Quote, format, args...)
	r.swapped = true
}

func (r *gameReader) node(key gameToken) *Node {
	if len(r.slab) == 0 {
		r.slab = make([]Node, min(max(len(r.text)/32, 8), 128))
	}
	n := &r.slab[0]
	r.slab = r.slab[1:]
	n.Key, n.Line, n.Block = key.text, int(key.line), true
	return n
}

// topLevel reads the top level of the file.
func (r *gameReader) topLevel(root *Node) {
	var current, previous *Node
	lost := false // the engine has discarded the key to which later content would be attached
	for r.valid {
		key := r.next(false)
		if !r.valid || key.text == "" {
			if key.ok && key.text == "" {
				r.problem(key.line, Brace, "an empty key: the game reads no further")
			}
			return
		}
		if directive := gameDirective(key.text); directive != "" {
			if file := r.next(true); file.ok && file.text != "" {
				r.directives = append(r.directives, &Node{Key: directive, Value: file.text, Line: int(key.line)})
			}
			continue
		}
		if current == nil || len(root.Children) == 0 {
			current = r.node(key)
			if !lost {
				root.Children = append(root.Children, current)
			}
		} else {
			current.Key, current.Line = key.text, int(key.line)
		}
		if lost {
			r.problem(key.line, Condition, "the game does not see %s: a condition in front of it does not hold", excerpt(key.text))
		}
		accepted := true
		t := r.next(true)
		if t.condition {
			accepted = r.holds(t, key)
			t = r.next(true)
		}
		if t.brace("{") {
			r.block(current, key, t)
		} else {
			r.keyWithoutBlock(key)
		}
		if accepted {
			previous, current = current, nil
			continue
		}
		current.Children = nil
		if previous != nil && !lost {
			root.Children = root.Children[:len(root.Children)-1]
			lost = true
		}
	}
}

func gameDirective(key string) string {
	for _, d := range []string{include, base} {
		if len(key) == len(d) && strings.EqualFold(key, d) {
			return d
		}
	}
	return ""
}

func (r *gameReader) keyWithoutBlock(key gameToken) {
	switch {
	case key.brace("}"):
		r.structure = true
		if r.late != nil {
			r.addCause(r.late)
			r.late = nil
		}
		r.problem(key.line, Brace, "} closes nothing")
	case key.brace("{"):
		r.structure = true
		r.problem(key.line, Brace, "{ without a key")
	case key.text != "\x1a": // end-of-file character of DOS
		r.structure = true
		r.problem(key.line, Brace, "%s is not followed by {", excerpt(key.text))
	}
}

// block reads to the end of a top-level block.
func (r *gameReader) block(n *Node, key, brace gameToken) {
	r.push(gameBlock{n, nil, true, key.indent, brace.indent, 0})
	for len(r.stack) > 0 {
		if !r.pair() {
			break
		}
	}
	if len(r.stack) > 0 { // the file ends here
		r.structure = true
		switch open := r.stack[len(r.stack)-1].node; {
		case r.zero:
		case r.early != nil:
			r.addCause(r.early)
			r.early = nil
		default:
			r.problem(int32(open.Line), Unclosed, "the block %s is not closed: } is missing", excerpt(open.Key))
		}
		for len(r.stack) > 0 {
			r.deep = 0
			r.pop()
		}
	}
}

func (r *gameReader) push(b gameBlock) {
	if r.deep > 0 || len(r.stack) > MaxDepth {
		if r.deep++; r.deep == 1 {
			r.problem(int32(b.node.Line), Limit, "more than %d blocks within each other", MaxDepth)
		}
		return
	}
	if b.brace < 0 {
		b.brace = b.key
	}
	r.stack = append(r.stack, b)
}

func (r *gameReader) pop() {
	if r.deep > 0 {
		r.deep--
		return
	}
	b := r.stack[len(r.stack)-1]
	r.stack = r.stack[:len(r.stack)-1]
	if !b.accepted {
		b.parent.dropLast()
	}
}

func (n *Node) dropLast() {
	n.Children[len(n.Children)-1] = nil
	n.Children = n.Children[:len(n.Children)-1]
}

// pair reads a key and its value, or the end of a block. It returns false at the end of the file.
func (r *gameReader) pair() bool {
	within := &r.stack[len(r.stack)-1]
	key := r.next(false)
	switch {
	case !key.ok:
		return false
	case key.text == "":
		r.structure = true
		r.problem(key.line, Brace, "an empty key: the game takes the block %s for closed here", excerpt(within.node.Key))
		r.pop()
		return true
	case key.brace("}"):
		r.checkBraceIndent(within, key)
		r.pop()
		return true
	case key.brace("{"):
		r.structure = true
		r.problem(key.line, Brace, "{ without a key: the game takes it for one")
	}
	r.checkKeyIndent(within, key)
	var n *Node
	if r.deep > 0 {
		n = &Node{Key: key.text, Line: int(key.line), Block: true}
	} else {
		n = r.node(key)
		if within.node.Children == nil {
			within.node.Children = make([]*Node, 0, 4)
		}
		within.node.Children = append(within.node.Children, n)
	}
	accepted, between := true, false
	t := r.next(true)
	if t.condition {
		accepted, between = r.holds(t, key), true
		t = r.next(true)
	}
	switch {
	case !t.ok:
		r.structure = true
		r.problem(key.line, NoValue, "the key %s has no value", excerpt(key.text))
		return false
	case t.brace("}"):
		r.structure = true
		r.problem(key.line, NoValue, "the key %s has no value", excerpt(key.text))
		r.pop()
		return true
	case t.brace("{"):
		r.push(gameBlock{n, within.node, accepted, key.indent, t.indent, 0})
		return true
	case t.condition:
		r.structure = true
		r.problem(t.line, Brace, "two conditions: the game takes the block %s for closed here", excerpt(within.node.Key))
		r.pop()
		return true
	}
	if t.line > key.line && r.split == nil && !between {
		r.split = &Problem{r.file, int(key.line), NoValue, fmt.Sprintf("the key %s has no value or { on its line", excerpt(key.text))}
	}
	n.Block, n.Value = false, t.text
	if c, ok := r.condition(); ok {
		if accepted = r.holds(c, key); accepted {
			n.Condition = c.text
		}
	}
	if !accepted && r.deep == 0 {
		within.node.dropLast()
	}
	return true
}

// checkBraceIndent checks whether a brace closes the block that its indentation suggests.
func (r *gameReader) checkBraceIndent(b *gameBlock, brace gameToken) {
	if brace.indent < 0 || b.brace < 0 || r.deep > 0 {
		return
	}
	switch {
	case brace.indent > b.brace && r.late == nil:
		r.late = &Problem{
			r.file, int(brace.line), Brace,
			fmt.Sprintf("} too many: this one closes the block %s of line %d", excerpt(b.node.Key), b.node.Line),
		}
	case brace.indent < b.brace && r.early == nil:
		r.early = &Problem{
			r.file, int(brace.line), Brace,
			fmt.Sprintf("} is missing in front of this line: it closes the block %s of line %d", excerpt(b.node.Key), b.node.Line),
		}
	}
}

// checkKeyIndent checks whether a key is in the block that its indentation suggests, in a file that indents its
// blocks.
func (r *gameReader) checkKeyIndent(b *gameBlock, key gameToken) {
	switch {
	case key.indent < 0 || b.key < 0 || r.deep > 0 || r.early != nil:
	case b.inner == 0:
		b.inner = key.indent
	case key.indent <= b.key && b.key < b.inner:
		r.early = &Problem{
			r.file, int(key.line), Brace,
			fmt.Sprintf("} is missing in front of this line: %s stands in the block %s of line %d", excerpt(key.text), excerpt(b.node.Key),
				b.node.Line),
		}
	}
}

// end reports problems that are known only after the whole file.
func (r *gameReader) end() {
	if r.split != nil && r.structure {
		r.addCause(r.split)
	}
}

// next reads and checks a token.
func (r *gameReader) next(value bool) gameToken {
	t := r.read()
	if t.ok {
		r.check(t, value)
	}
	r.quoted, r.value = t.quoted, value && !t.brace("{") && !t.condition
	return t
}

// condition reads the next token if it is a condition. Unlike next, it does not mark the end of the
// file as reached.
func (r *gameReader) condition() (gameToken, bool) {
	before := r.pos
	if !r.skip() {
		r.valid = true
		return gameToken{}, false
	}
	r.moved = r.pos > before
	switch r.text[r.pos] {
	case '"', '{', '}':
		return gameToken{}, false
	}
	begin, moved, first := r.pos, r.moved, r.first
	t := r.read()
	if !t.condition {
		r.pos, r.moved, r.first = begin, moved, first
	}
	return t, t.condition
}

// check reports problems of a token.
func (r *gameReader) check(t gameToken, value bool) {
	switch {
	case t.open:
		r.quoteProblem(t.line, "the quotation mark that begins here is not closed")
	case t.over && !value:
		r.quoteProblem(t.line, "a quotation mark is missing or too many: a key would go over the end of the line")
	case t.over && r.textFollows():
		r.quoteProblem(t.line, "a quotation mark is missing or too many: %s would go over the end of the line", excerpt(t.text))
	case t.over:
		r.problem(t.line, LineBreak, "the text that begins here goes over the end of its line")
	case !value && r.value && t.glued && t.quoted != r.quoted && !t.brace("}") && !t.brace("{"):
		r.quoteProblem(t.line, "a quotation mark is missing or too many: no blank is in front of %s", excerpt(t.text))
	}
	if t.cut {
		what := "value"
		if !value {
			what = "key"
		}
		r.problem(t.line, Cut, "the game reads only the first %d bytes of this %s: %s", len(t.text), what, excerpt(t.text))
	}
}

// textFollows reports whether text follows without a space, as it does if quotation marks are swapped.
func (r *gameReader) textFollows() bool {
	if r.pos >= len(r.text) {
		return false
	}
	c := r.text[r.pos]
	return !blank(c) && c != '{' && c != '}' && c != '/' && c != '['
}

// holds evaluates a condition, and reports a problem if it has another meaning in other branches or was
// not meant as a condition.
func (r *gameReader) holds(t, key gameToken) bool {
	if holds(t.text) {
		return true
	}
	switch {
	case !strings.HasPrefix(t.text, "[$") && !strings.HasPrefix(t.text, "[!"):
		r.problem(t.line, Bracket, "the game takes %s for a condition and leaves out %s: put it in quotation marks", excerpt(t.text),
			excerpt(key.text))
	case holdsInNewerBranch(t.text):
		r.problem(t.line, Condition, "the condition %s does not hold in this game, but in newer ones: %s is left out", excerpt(t.text),
			excerpt(key.text))
	}
	return false
}

// holds evaluates a condition as the branch l4d2 does, by comparing the text.
func holds(condition string) bool {
	const win32 = "[$WIN32]"
	return len(condition) == len(win32) && strings.EqualFold(condition, win32)
}

// holdsInNewerBranch reports whether a condition may hold on a Linux server of a newer branch, which supports
// more names, ! and ||.
func holdsInNewerBranch(condition string) bool {
	for name := range strings.FieldsFuncSeq(strings.ToUpper(condition), func(c rune) bool { return strings.ContainsRune("[]|& ", c) }) {
		switch name {
		case "$WIN32", "$LINUX", "$POSIX":
			return true
		}
		if not, ok := strings.CutPrefix(name, "!"); ok && not != "$WIN32" && not != "$LINUX" && not != "$POSIX" {
			return true
		}
	}
	return false
}

// blank reports whether c is white space according to the C library's isspace.
func blank(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

// read reads a token.
func (r *gameReader) read() gameToken {
	if !r.valid {
		return gameToken{}
	}
	before := r.pos
	if !r.skip() {
		return gameToken{}
	}
	t := gameToken{ok: true, line: r.line, glued: r.pos == before && before > 0 && !r.moved, indent: -1}
	if r.moved = false; r.first {
		t.indent = r.indent()
	}
	switch c := r.text[r.pos]; c {
	case '"':
		r.quotedToken(&t)
	case '{', '}':
		t.text = r.text[r.pos : r.pos+1]
		r.pos++
	default:
		r.bareToken(&t)
	}
	r.first = false
	if len(t.text) > MaxToken {
		t.text, t.cut = t.text[:MaxToken], true
	}
	return t
}

// skip advances to the next token. It returns false at the end of the file, after which the reader is
// invalid.
func (r *gameReader) skip() bool {
	for r.pos < len(r.text) {
		switch c := r.text[r.pos]; {
		case c == '\n':
			r.pos++
			r.line, r.start, r.first = r.line+1, r.pos, true
		case blank(c):
			r.pos++
		case c == '/' && strings.HasPrefix(r.text[r.pos:], "//"):
			n := strings.IndexByte(r.text[r.pos:], '\n')
			if n < 0 {
				r.pos = len(r.text)
				break
			}
			r.pos += n + 1
			r.line, r.start, r.first = r.line+1, r.pos, true
		default:
			return true
		}
	}
	r.valid = false
	return false
}

// maxIndent is the maximum indentation that is measured, in bytes. It limits repeated work on long
// lines.
const maxIndent = 200

// indent returns the indentation of the line before its first token, or -1 if it is too large or
// contains other bytes.
func (r *gameReader) indent() int32 {
	if r.pos-r.start > maxIndent {
		return -1
	}
	width := int32(0)
	for _, c := range []byte(r.text[r.start:r.pos]) {
		switch c {
		case '\t':
			width += 4
		case ' ':
			width++
		default:
			return -1
		}
	}
	return width
}

func (r *gameReader) quotedToken(t *gameToken) {
	t.quoted = true
	from := r.pos + 1
	to := r.closingQuote(from)
	if to < 0 {
		to, t.open, r.valid = len(r.text), true, false
		r.pos = to
	} else {
		r.pos = to + 1
	}
	t.text = r.text[from:to]
	if n := strings.Count(t.text, "\n"); n > 0 {
		t.over = true
		r.line, r.start = r.line+int32(n), from+strings.LastIndexByte(t.text, '\n')+1
	}
	switch {
	case r.escapes && strings.Contains(t.text, `\`):
		t.text = gameUnescape(t.text)
	case !r.escapes:
		// The engine's table without escapes still has one escape: DEL, which becomes the end of the
		// text.
		if before, _, found := strings.Cut(t.text, "\x7f"); found {
			t.text, t.cut = before, true
		}
	}
}

// closingQuote returns the offset of the quotation mark that closes a text, or -1.
func (r *gameReader) closingQuote(from int) int {
	for i := from; ; i++ {
		n := strings.IndexByte(r.text[i:], '"')
		if n < 0 {
			return -1
		}
		if !r.escapes {
			return i + n
		}
		// A backslash escapes a quotation mark or another backslash.
		end := i + n
		for ; i < end; i++ {
			if r.text[i] == '\\' && strings.IndexByte(gameEscapes, r.text[i+1]) >= 0 {
				i++
			}
		}
		if i == end {
			return end
		}
		i-- // that quotation mark was escaped
	}
}

// gameEscapes are the letters after a backslash and gameEscaped their meanings. The engine ends the
// text at any other letter.
const (
	gameEscapes = `ntvbrfa\?'"`
	gameEscaped = "\n\t\v\b\r\f\a\\?'\""
)

func gameUnescape(s string) string {
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			b = append(b, s[i])
			continue
		}
		if i++; i == len(s) {
			break
		}
		at := strings.IndexByte(gameEscapes, s[i])
		if at < 0 {
			break
		}
		b = append(b, gameEscaped[at])
	}
	return string(b)
}

func (r *gameReader) bareToken(t *gameToken) {
	from, bracket := r.pos, false
	for ; r.pos < len(r.text); r.pos++ {
		c := r.text[r.pos]
		if blank(c) || c == '"' || c == '{' || c == '}' {
			break
		}
		bracket = bracket || c == '['
		t.condition = t.condition || c == ']' && bracket
	}
	t.text = r.text[from:r.pos]
}

// excerpt is a key or a value that is quoted in a message.
type excerpt string

// String returns the beginning of the first line in quotation marks, without splitting a character.
func (t excerpt) String() string {
	s, more := strings.TrimSpace(string(t)), false
	if line, _, found := strings.Cut(s, "\n"); found {
		s, more = strings.TrimSpace(line), true
	}
	if n := 40; len(s) > n {
		for n > 36 && !utf8.RuneStart(s[n]) {
			n--
		}
		s, more = s[:n], true
	}
	if more {
		s += "…"
	}
	return `"` + s + `"`
}
