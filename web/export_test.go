package web

// Pages are the patterns of the addresses of all pages that follow what they show.
func Pages() []string {
	p := newPanel(Deps{})
	p.routes()
	return p.pages
}
