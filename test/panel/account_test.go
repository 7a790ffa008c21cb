//go:build panel

package panel

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// visitor opens a second browser that shares no session or cookie with the first.
func (s *site) visitor() *site {
	s.t.Helper()
	ctx, cancel := chromedp.NewContext(s.ctx, chromedp.WithNewBrowserContext())
	s.t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		s.t.Fatal(err)
	}
	leaving, err := answerQuestions(ctx)
	if err != nil {
		s.t.Fatal(err)
	}
	return &site{Stage: s.Stage, t: s.t, ctx: ctx, leaving: leaving}
}

// loginAs logs in at the given base address of the panel.
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

// TestPanelAccounts lets an administrator and a user manage accounts, each in a separate browser.
func TestPanelAccounts(t *testing.T) {
	s := open(t, 33600)
	_, port, err := net.SplitHostPort(s.Address)
	if err != nil {
		t.Fatal(err)
	}
	panel := "http://" + plainHost + ":" + port
	s.do("screen", chromedp.EmulateViewport(1280, 844))
	s.loginAs(panel, "admin", password)
	s.press("the account", `a.who`)
	s.shows("Log out everywhere")
	s.do("a user", chromedp.Navigate(panel+"/users"),
		chromedp.SendKeys(chromedp.CSS("#name"), "zoey"),
		chromedp.SendKeys(chromedp.CSS(`form[action="/users"] [name="password"]`), password),
		chromedp.Submit(chromedp.CSS("#name")), chromedp.WaitVisible(chromedp.CSS(`a[href="/users/zoey"]`)),
	)

	zoey := s.visitor()
	zoey.do("phone", chromedp.EmulateViewport(390, 844))
	zoey.loginAs(panel, "zoey", password)
	s.do("disable", chromedp.Navigate(panel+"/users/zoey"), chromedp.Click(chromedp.CSS(`form[action="/users/zoey/disable"] button`)))
	began := time.Now()
	zoey.shows("You have been logged out.")
	// The stream also checks its session every 15 s, which would be too late.
	if took := time.Since(began); took > 8*time.Second {
		t.Errorf("the page of a disabled user stayed open for %s", took)
	}
	s.shows("User disabled")
	s.picture("user-disabled")
	s.press("enable", `form[action="/users/zoey/enable"] button`)
	s.shows("User enabled")

	other := s.visitor()
	other.loginAs(panel, "admin", password)
	s.do("the list of browsers", chromedp.Navigate(panel+"/account"))
	s.picture("account-two")
	s.press("sign out the other session", `#sessions form[action^="/account/sessions/"] button`)
	other.shows("You have been logged out.")
	s.shows("The other browser is logged out.")

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
	zoey.until("the token is shown", `document.querySelector("#new-token")?.innerText.startsWith("l4m_")`)
	zoey.picture("account-token")
	zoey.press("revoke it", `form[action$="/revoke"] button`)
	zoey.shows("Token revoked.")
	zoey.press("sign out", `form[action="/logout"] button`)
	zoey.until("the login page is shown", `location.pathname === "/login"`)

	// The next user of the browser presses the back button. Browsers ignore Clear-Site-Data over
	// plain HTTP and obey it on localhost.
	for _, panel := range []string{panel, "http://" + s.Address} {
		zoey.loginAs(panel, "zoey", another)
		zoey.do("open two pages", chromedp.Navigate(panel+"/jobs"), chromedp.Navigate(panel+"/account"))
		zoey.shows("Change password")
		zoey.press("sign out", `form[action="/logout"] button`)
		zoey.until("the login page is shown", `location.pathname === "/login" && document.querySelector('input[type="password"]') !== null`)
		for range 2 {
			// The page may come from the back/forward cache, so no load event is awaited.
			zoey.until("the page is marked", `window.left = true`)
			zoey.until("the browser goes back", `(history.back(), true)`)
			zoey.until("the login page is shown again",
				`!window.left && document.readyState === "complete" && location.pathname === "/login"`)
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
