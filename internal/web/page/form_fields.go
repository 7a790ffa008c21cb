package page

// AriaBool is an ARIA boolean.
func AriaBool(b bool) string {
	if b {
		return "true"
	}
	return "false"
}

// DescribedBy names the texts that belong to an input.
func DescribedBy(id, problem string) string {
	if problem != "" {
		return id + "-problem " + id + "-hint"
	}
	return id + "-hint"
}
