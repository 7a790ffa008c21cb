package page

// AriaBool returns b as the value of an ARIA attribute.
func AriaBool(b bool) string {
	if b {
		return "true"
	}
	return "false"
}

// DescribedBy returns the value of aria-describedby for an input: its problem, if any, and its hint.
func DescribedBy(id, problem string) string {
	if problem != "" {
		return id + "-problem " + id + "-hint"
	}
	return id + "-hint"
}
