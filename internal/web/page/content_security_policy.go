package page

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Policy is the Content-Security-Policy of all pages. It allows only files of the panel itself: no
// inline scripts or styles, nothing from other hosts, and no frames around pages.
const Policy = "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// pictureHosts are the hosts from which Steam serves pictures of workshop items. Only pages that show
// workshop items may load pictures from them, and the browser sends no Referer.
var pictureHosts = []string{"images.steamusercontent.com", "steamuserimages-a.akamaihd.net", "steamcdn-a.akamaihd.net"}

// allowPictures extends the policy of one answer by Steam's pictures.
func allowPictures(w http.ResponseWriter) {
	w.Header().Set("Content-Security-Policy",
		strings.Replace(Policy, "img-src 'self'", "img-src 'self' https://"+strings.Join(pictureHosts, " https://"), 1))
}

// SteamPicture returns the address of a picture, or an empty string if it is not on one of Steam's
// picture hosts.
func SteamPicture(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" || u.User != nil || !slices.Contains(pictureHosts, u.Host) {
		return ""
	}
	return u.String()
}
