package accounts

import "net/http"

// told is what the address of a page says of what was just done.
func told(r *http.Request, texts map[string]string) string { return texts[r.URL.Query().Get("did")] }
