//go:build panel

package panel

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// visitor is another browser, which has nothing of the first one.
func (s *site) visitor() *site {
	s.t.Helper()
	ctx, cancel := chromedp.NewContext(s.ctx, chromedp.WithNewBrowserContext())
	s.t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		s.t.Fatal(err)
	}
	return &site{Stage: s.Stage, t: s.t, ctx: ctx}
}

// loginAs logs in at an address of the panel.
func (s *site) loginAs(panel, name, password string) {
	s.t.Helper()
	s.do("log in as "+name,
		chromedp.Navigate(panel+"/login"),
		chromedp.SendKeys(chromedp.CSS(`input[name="name"]`), name),
		chromedp.SendKeys(chromedp.CSS(`input[name="password"]`), password),
		chromedp.Submit(chromedp.CSS(`input[name="password"]`)),
		chromedp.WaitVisible(chromedp.CSS(`a.who[href="/account"]`)),
	)
}

func (s *site) press(what, button string) {
	s.t.Helper()
	s.do(what, chromedp.Click(chromedp.CSS(button)))
}

// What an administrator and a user do with accounts, each in a browser of their own.
func TestAccountsFromThePanel(t *testing.T) {
	s := open(t, 33600)
	_, port, err := net.SplitHostPort(s.Address)
	if err != nil {
		t.Fatal(err)
	}
	panel := "http://" + plainHost + ":" + port
	s.do("screen", chromedp.EmulateViewport(1280, 844))
	s.loginAs(panel, "admin", password)
	s.press("the account", `a.who`)
	s.shows("Sign out everywhere")
	s.do("a user", chromedp.Navigate(panel+"/users"),
		chromedp.SendKeys(chromedp.CSS("#name"), "zoey"),
		chromedp.SendKeys(chromedp.CSS(`form[action="/users"] [name="password"]`), password),
		chromedp.Submit(chromedp.CSS("#name")),
		chromedp.WaitVisible(chromedp.CSS(`a[href="/users/zoey"]`)),
	)

	zoey := s.visitor()
	zoey.do("phone", chromedp.EmulateViewport(390, 844))
	zoey.loginAs(panel, "zoey", password)
	s.do("disable", chromedp.Navigate(panel+"/users/zoey"), chromedp.Click(chromedp.CSS(`form[action="/users/zoey/disable"] button`)))
	began := time.Now()
	zoey.shows("You have been logged out.")
	// The stream looks at its session each 15 s too: that would be too late.
	if took := time.Since(began); took > 8*time.Second {
		t.Errorf("the page of a disabled user is open for %s", took)
	}
	s.shows("User disabled")
	s.picture("user-disabled")
	s.press("enable", `form[action="/users/zoey/enable"] button`)
	s.shows("User enabled")

	other := s.visitor()
	other.loginAs(panel, "admin", password)
	s.do("the list of browsers", chromedp.Navigate(panel+"/account"))
	s.picture("account-two")
	s.press("sign the other one out", `#sessions form[action^="/account/sessions/"] button`)
	other.shows("You have been logged out.")
	s.shows("That browser was signed out.")

	const another = "another sentence, quite long"
	zoey.loginAs(panel, "zoey", password)
	zoey.press("the account", `a.who`)
	zoey.shows("Change password")
	zoey.do("a mistake",
		chromedp.SendKeys(chromedp.CSS("#current_password"), "wrong"),
		chromedp.SendKeys(chromedp.CSS("#password"), another),
		chromedp.SendKeys(chromedp.CSS("#again"), another),
		chromedp.Submit(chromedp.CSS("#again")),
		chromedp.WaitVisible(chromedp.CSS("#current_password-problem")),
	)
	zoey.picture("account-problem")
	zoey.do("change the password",
		chromedp.SendKeys(chromedp.CSS("#current_password"), password),
		chromedp.SendKeys(chromedp.CSS("#password"), another),
		chromedp.SendKeys(chromedp.CSS("#again"), another),
		chromedp.Submit(chromedp.CSS("#again")),
	)
	zoey.shows("Password changed.")
	zoey.do("make a token", chromedp.SendKeys(chromedp.CSS("#label"), "stats <b>"), chromedp.Submit(chromedp.CSS("#label")))
	zoey.until("it is shown", `document.querySelector("#new-token")?.innerText.startsWith("l4m_")`)
	zoey.picture("account-token")
	zoey.press("revoke it", `form[action$="/revoke"] button`)
	zoey.shows("Token revoked.")
	zoey.press("sign out", `form[action="/logout"] button`)
	zoey.until("the login is there", `location.pathname === "/login"`)

	// Whoever has the browser next presses its back button: over plain http, where
	// browsers do not heed Clear-Site-Data, and on this machine, where they do.
	for _, panel := range []string{panel, "http://" + s.Address} {
		zoey.loginAs(panel, "zoey", another)
		zoey.do("look around", chromedp.Navigate(panel+"/jobs"), chromedp.Navigate(panel+"/account"))
		zoey.shows("Change password")
		zoey.press("sign out", `form[action="/logout"] button`)
		zoey.until("the login is there", `location.pathname === "/login" && document.querySelector('input[type="password"]') !== null`)
		for range 2 {
			// A page out of the back/forward cache would not load: it is not waited for.
			zoey.until("the page is marked", `window.left = true`)
			zoey.until("it goes back", `(history.back(), true)`)
			zoey.until("the login is there again", `!window.left && document.readyState === "complete" && location.pathname === "/login"`)
			text, err := chromedp.Run(zoey.ctx, chromedp.Evaluate[string](`document.body.innerText`))
			if err != nil || strings.Contains(text, "zoey") {
				t.Errorf("at %s the back button shows: %v\n%s", panel, err, text)
			}
		}
	}

	if at := s.url(""); at != panel {
		s.loginAs(at, "admin", password)
	}
	for name, path := range map[string]string{
		"account":     "/account",
		"users":       "/users",
		"user":        "/users/zoey",
		"user-delete": "/users/zoey/delete",
	} {
		s.everywhere(name, path)
	}
}
