package page

// Setting is a setting with its value. From is the origin of the value, and may be empty.
type Setting struct {
	Label string
	Value string
	From  string
}
