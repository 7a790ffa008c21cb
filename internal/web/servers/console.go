package servers

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/a-h/templ"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/sleep"
	"github.com/left4me/left4me/internal/web/format"
	"github.com/left4me/left4me/internal/web/page"
)

const (
	pageLines    = 400 // maximum number of lines in the page; the stream sends the later ones
	historyWait  = 2 * time.Second
	consolePause = 2 * time.Second // pause before a host that did not respond is queried again
)

// consoleText is the content of the console when the page loads.
type consoleText struct {
	Lines    []string
	Position int64    // position in the console's output after Lines
	Command  string   // the input, if the command failed
	Ran      string   // the command, if it ran
	Output   []string // output of the command
	Problem  string   // why the command failed
}

// consoleView shows the console of a server.
func (p *Pages) consoleView(r *http.Request, who accounts.Actor, name left4me.Name) (page.View, error) {
	s, err := p.serverPage(r, who, name, "console")
	if err != nil {
		return page.View{}, err
	}
	after, err := consolePosition(r)
	if err != nil {
		return page.View{}, err
	}
	v := p.consoleWith(r, who, s, consoleText{})
	v.Feeds = []page.Feed{p.consoleFeed(who, s.Name, after)}
	return v, nil
}

func (p *Pages) consoleWith(r *http.Request, who accounts.Actor, s serverPage, c consoleText) page.View {
	return p.serverView(r, who, s, page.Fixed(page.Deferred(func(ctx context.Context) (templ.Component, error) {
		c.Lines, c.Position = p.recent(ctx, who, s.Name)
		return consoleBox(s, c), nil
	})))
}

// answerConsole shows the console with the result of a command.
func (p *Pages) answerConsole(
	w http.ResponseWriter, r *http.Request, who accounts.Actor, name left4me.Name, status int, c consoleText,
) error {
	s, err := p.serverPage(r, who, name, "console")
	if err != nil {
		return err
	}
	return p.Panel.Show(w, r, status, p.consoleWith(r, who, s, c))
}

// recent returns the latest lines of a server's console and the position after them. If the
// host does not respond within historyWait, it returns no lines and the stream sends them.
func (p *Pages) recent(ctx context.Context, who accounts.Actor, name left4me.Name) ([]string, int64) {
	ctx, cancel := context.WithTimeout(ctx, historyWait)
	defer cancel()
	c, err := p.Servers.Consoles().Recent(ctx, name)
	if err != nil {
		return nil, servers.RecentHistory
	}
	all := format.VisibleLines(page.TextFor(who, left4me.OnServer(name))(c.Text))
	return all[max(0, len(all)-pageLines):], c.Position
}

// consolePosition returns the position where the stream resumes: after the last event that the
// browser received, or after the lines of its page.
func consolePosition(r *http.Request) (int64, error) {
	text := r.Header.Get("Last-Event-ID")
	if text == "" {
		text = r.URL.Query().Get("after")
	}
	if text == "" {
		return servers.RecentHistory, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < servers.RecentHistory {
		return 0, left4me.NewError(left4me.Invalid, "console.position_unreadable")
	}
	return n, nil
}

// printed is the data of a console event.
type printed struct {
	Lines []string `json:"lines"`
	Lost  int64    `json:"lost,omitempty"` // bytes before Lines that are no longer available
}

// consoleFeed sends the output of a console. It retries every consolePause while the host does
// not respond.
func (p *Pages) consoleFeed(who accounts.Actor, name left4me.Name, after int64) page.Feed {
	return func(ctx context.Context, send func(page.Event)) error {
		for ctx.Err() == nil {
			chunks, err := p.Servers.Consoles().Follow(ctx, name, after)
			if err != nil {
				return err
			}
			for c, err := range chunks {
				if err != nil {
					break
				}
				data, err := json.Marshal(printed{
					Lines: format.VisibleLines(page.TextFor(who, left4me.OnServer(name))(c.Text)),
					Lost:  c.Lost,
				})
				if err != nil {
					return err
				}
				after = c.Position
				send(page.Event{Name: "console", ID: strconv.FormatInt(after, 10), Data: data})
			}
			_ = sleep.For(ctx, consolePause)
		}
		return nil
	}
}

// runCommand runs a console command. A script receives the output as JSON, a browser without
// scripts the page with the output.
func (p *Pages) runCommand(w http.ResponseWriter, r *http.Request, who accounts.Actor, name left4me.Name) error {
	if err := r.ParseForm(); err != nil {
		return page.BadForm(err)
	}
	command := r.PostForm.Get("command")
	out, err := p.Servers.Consoles().Command(r.Context(), who.Cause(), name, command)
	switch {
	case page.FromScript(r) && err == nil:
		w.Header().Set("Content-Type", "application/json")
		return json.NewEncoder(w).Encode(printed{Lines: format.VisibleLines(out)})
	case page.FromScript(r) || errors.Is(err, left4me.NotFound):
		return err
	case err != nil:
		f := p.Panel.FailureOf(r, who, err)
		return p.answerConsole(w, r, who, name, f.Status,
			consoleText{Command: command, Problem: format.Sentence(f.Text) + " " + format.Sentence(f.Hint)})
	}
	return p.answerConsole(w, r, who, name, http.StatusOK, consoleText{Ran: format.Visible(command), Output: format.VisibleLines(out)})
}
