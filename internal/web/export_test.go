package web

import "github.com/left4me/left4me/internal/web/page"

// Pages are the patterns of the addresses of all pages that follow what they show.
func Pages() (all []string) {
	for _, r := range routes(&page.Panel{}, Deps{}) {
		if r.Build != nil {
			all = append(all, r.Pattern)
		}
	}
	return all
}
