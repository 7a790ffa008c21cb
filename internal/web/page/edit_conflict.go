package page

// Setting is one thing that is said of something: who says it may be left out.
type Setting struct {
	Label string
	Value string
	From  string
}
