package page

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Policy allows what the panel uses and nothing else: no inline script or
// style, nothing from elsewhere, and no page of ours in a frame.
const Policy = "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// pictureHosts are where Steam keeps the pictures of the workshop. Only the pages
// that show workshop items let a browser ask them, and it doesn't say from where.
var pictureHosts = []string{"images.steamusercontent.com", "steamuserimages-a.akamaihd.net", "steamcdn-a.akamaihd.net"}

// allowPictures lets a page show Steam's pictures.
func allowPictures(w http.ResponseWriter) {
	w.Header().Set("Content-Security-Policy",
		strings.Replace(Policy, "img-src 'self'", "img-src 'self' https://"+strings.Join(pictureHosts, " https://"), 1))
}

// SteamPicture is the address of a picture, or empty when it isn't one of Steam's.
func SteamPicture(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" || u.User != nil || !slices.Contains(pictureHosts, u.Host) {
		return ""
	}
	return u.String()
}
