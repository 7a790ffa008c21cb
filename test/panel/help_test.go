//go:build panel

package panel

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// leaving answers the browser's question whether to leave a page with unsaved values.
type leaving struct {
	asked atomic.Int32 // number of questions
	stay  atomic.Bool  // the answer: stay on the page
}

// answerQuestions answers the questions of ctx's tab: leave the page unless told otherwise.
func answerQuestions(ctx context.Context) (*leaving, error) {
	l := &leaving{}
	return l, chromedp.Listen(ctx, func(ev any) {
		if _, ok := ev.(*page.EventJavascriptDialogOpening); !ok {
			return
		}
		l.asked.Add(1)
		accept := !l.stay.Load()
		go func() { // a command would block the listener
			_, _ = chromedp.Call(ctx, page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{Accept: accept})
		}()
	})
}

// press presses keys one after the other, as a person does: the character of a key goes to the element that had
// the focus before, and not at all if a script has used the key.
func press(keys ...string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		for _, key := range keys {
			down := input.DispatchKeyEventParams{Type: input.DispatchKeyEventTypeKeyDown, Key: key}
			if len(key) == 1 {
				down.Text = key
			}
			if _, err := chromedp.Call(ctx, input.DispatchKeyEvent, down); err != nil {
				return err
			}
			up := input.DispatchKeyEventParams{Type: input.DispatchKeyEventTypeKeyUp, Key: key}
			if _, err := chromedp.Call(ctx, input.DispatchKeyEvent, up); err != nil {
				return err
			}
		}
		return nil
	})
}

// TestPanelKeyboardShortcuts uses the keys /, ? and g, which must not act while the user types.
func TestPanelKeyboardShortcuts(t *testing.T) {
	s := open(t, 34400)
	s.login()
	s.do("list shortcuts", press("?"))
	s.until("a dialog lists the shortcuts", `document.querySelector("dialog[open]")?.innerText.includes("Go to the filter")`)
	s.accessible("the dialog of shortcuts")
	s.picture("shortcuts")
	s.do("close", chromedp.KeyEvent("\x1b"))
	s.until("the dialog is closed", `!document.querySelector("dialog")`)
	s.do("go to the overlays", press("g", "c"))
	s.until("the overlays are open", `location.pathname === "/overlays" && document.readyState === "complete"`)
	s.do("go to the filter and type", press("/"))
	s.until("the filter has the focus", `document.activeElement.id === "filter" && !document.activeElement.value`)
	s.do("type", press("g", "s", "?", "/"))
	s.until("the keys are text", `document.activeElement.value === "gs?/" && location.pathname === "/overlays" && !document.querySelector("dialog")`)
	for name, path := range map[string]string{"help": "/help", "glossary": "/help/glossary"} {
		s.everywhere(name, path)
	}
	s.do("a narrow page", chromedp.EmulateViewport(360, 740))
	s.Create(t, "alpha", nil)
	s.do("the last tab", chromedp.Navigate(s.url("/servers/alpha/history")))
	s.until("the bar of tabs shows the current tab", `(() => {
		const bar = document.querySelector(".tabs"), tab = bar.querySelector("[aria-current]");
		return tab.getBoundingClientRect().right <= bar.getBoundingClientRect().right + 1;
	})()`)
}

// TestPanelAsksBeforeUnsavedValuesAreLost leaves a form that is unchanged, changed, returned with a mistake,
// and saved.
func TestPanelAsksBeforeUnsavedValuesAreLost(t *testing.T) {
	s := open(t, 34500)
	s.login()
	path := "/blueprints/default"
	save := chromedp.Click(chromedp.CSS("form.form > .buttons .primary"))
	edit := func() {
		s.do("the form", chromedp.Navigate(s.url(path)), chromedp.WaitReady(chromedp.CSS(`body[data-go]`)))
	}
	leave := func(to string) {
		s.t.Helper()
		s.do("leave", chromedp.Click(chromedp.CSS(`nav.main-menu a[href="/jobs"]`)))
		s.until("the page is "+to, `location.pathname === "`+to+`" && document.readyState === "complete"`)
	}
	edit()
	leave("/jobs")
	if n := s.leaving.asked.Load(); n != 0 {
		t.Errorf("an unchanged form asked %d times", n)
	}
	edit()
	s.leaving.stay.Store(true)
	s.do("type", chromedp.SendKeys(chromedp.CSS("#hostname"), "Friday"))
	leave(path)
	if n := s.leaving.asked.Load(); n != 1 {
		t.Fatalf("a changed form asked %d times, want once", n)
	}
	s.until("the text is kept", `document.querySelector("#hostname").value === "Friday"`)
	s.leaving.stay.Store(false)
	s.do("type an invalid value", chromedp.SetValue(chromedp.CSS("#tick"), "5"), save,
		chromedp.WaitVisible(chromedp.CSS(".mistakes")))
	if n := s.leaving.asked.Load(); n != 1 {
		t.Errorf("saving asked %d times", n-1)
	}
	s.do("press a key", chromedp.KeyEvent("\t"))
	leave("/jobs")
	if n := s.leaving.asked.Load(); n != 2 {
		t.Errorf("a form with a mistake asked %d times, want once", n-1)
	}
	edit()
	s.do("type", chromedp.SendKeys(chromedp.CSS("#hostname"), "Friday"), save)
	s.until("the value is saved", `document.readyState === "complete" && document.querySelector("#hostname").defaultValue === "Friday"`)
	leave("/jobs")
	if n := s.leaving.asked.Load(); n != 2 {
		t.Errorf("a saved form asked %d times", n-2)
	}
}

// TestPanelShowsTimesInSecondsAndPrints shows a moment of the last minute in seconds, and the page for the printer.
func TestPanelShowsTimesInSecondsAndPrints(t *testing.T) {
	s := open(t, 34600)
	s.login()
	s.Create(t, "alpha", nil)
	s.Done(t, "start", "alpha")
	s.do("the jobs", chromedp.Navigate(s.url("/jobs")))
	s.until("a moment is shown in seconds", `/^\d+ seconds ago$/.test(document.querySelector("#jobs time").innerText)`)
	was := eval[string](s, `window.same = document.querySelector("#jobs time").innerText`)
	s.until("the moment is updated", `document.querySelector("#jobs time").innerText !== window.same`)
	if !strings.HasSuffix(was, "ago") {
		t.Errorf("got %q", was)
	}
	s.do("print", chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print"})
		return err
	}))
	s.until("the printed page has no menu", `!document.querySelector("nav.main-menu").checkVisibility() &&
		document.querySelector("main h1").checkVisibility()`)
}

// eval runs a script on the current page.
func eval[T any](s *site, script string) T {
	s.t.Helper()
	v, err := chromedp.Run(s.ctx, chromedp.Evaluate[T](script))
	if err != nil {
		s.t.Fatal(err)
	}
	return v
}
