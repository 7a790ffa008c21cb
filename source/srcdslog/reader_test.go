package srcdslog_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/left4me/left4me/source/srcdslog"
)

const (
	at    = "L 05/09/2026 - 16:03:00: "
	later = "L 05/09/2026 - 16:03:37: "
	kill  = `(DEATH)"` + mia + `" killed "` + common + `" with "rifle_desert"`
)

// torn lists lines that produce no event: the beginning of a line followed by another line, by other
// output, or by nothing.
var torn = []string{
	// The game truncates its "used pills on" lines at 254 bytes without a line end, so the next line
	// follows on the same line.
	at + cut254(`"`+mia+`" used pills on "`+strings.Replace(mia, "Producer", "TeenGirl", 1)) + later + kill,
	at + cut254(`"`+mia+`" used pills on "`+strings.Replace(mia, "Producer", "TeenGirl", 1)) + "L 05/10/2026 - 09:00:00: " + kill,
	at + `"Louis<94><BOT><Survivor><Manager><ALIVE><47+53><setpos_exact 1.00 2.00 3.00; setang 4.00 5.00 0.00><A` + at + kill,
	at + `"Al<2><STEAM_1:0:123><Survivor>" say "he` + at + `"Bo<3><STEAM_1:0:9><Survivor>" say "hi"`,
	at + `"Al<2><STEAM_1:0:123><Survivor>" say "he` + later + `"Bo<3><STEAM_1:0:9><Survivor>" say "hi"`,
	at + `"Al` + at + `"Bo<3><STEAM_1:0:9><Survivor>" entered the game`,
	at + `"Louis<94><BOT><Survivor><Manager><ALIVE><47+53><setpos_exact 1.00 2.00 3.00; setang 4.00 5.00 0.00><A` + later + kill,
	at + `World triggered "Round` + at + `World triggered "Round_Start"`,
	// Interrupted by other output, or truncated at the end of a file.
	at + `(DEATH)"Nick<34><BOT><Survivor><Gambler><ALIVE`,
	at + `(DEATH)"` + mia + `" killed "infected<345><><Infected><infected><DE`,
	at + `(DEATH)"` + mia + `" killed "` + strings.Replace(common, "<Area 78", "<Area 78Server is hibernating", 1) + `" with "rifle"`,
	at + `(DEATH)"` + strings.Replace(mia, "179.84", "17Server is hibernating9.84", 1) + `" killed "` + common + `" with "rifle"`,
	at + `(INCAP)"` + mia + `" was incapped by "Tank<9><BOT><Infected>" with "tank_c`,
	at + `"Al<2><STEAM_1:0:123><Survivor>" joined team "Surv`,
	at + `"Nick<34><BOT><Su`,
	at + `"infected<345><><Infected>" entered the game`,
	at + `"Al<2><STEAM_1:0:123><Survivor>" say "` + strings.Repeat("a", srcdslog.MaxLine) + `"`,
	at + `"` + strings.Repeat(`<2><BOT><>" killed "`, 300) + `"`,
}

func cut254(msg string) string { return msg[:254] }

func TestTornLinesProduceNoEvent(t *testing.T) {
	var r srcdslog.Reader
	for i, line := range torn {
		e, err := srcdslog.Parse(line)
		if !errors.Is(err, srcdslog.ErrTorn) || e.Kind != srcdslog.Unknown || e.Player != nil || e.At.IsZero() ||
			line[len(at):] != e.Message {
			t.Errorf("%s\ngot %+v, %v", line, e, err)
		}
		if e, ok := r.Line(line); ok || r.Torn() != i+1 {
			t.Errorf("%s\ngot %+v, %d torn lines counted", line, e, r.Torn())
		}
	}
	if e, ok := r.Line(at + kill); !ok || e.Kind != srcdslog.Killed || r.Torn() != len(torn) {
		t.Errorf("complete line after torn lines: got %+v, %d torn lines counted", e, r.Torn())
	}
}

// An unknown line is not torn, and a player may have a name that looks like the beginning of a line.
func TestOddLinesAreNotTorn(t *testing.T) {
	const name = `L 11/24/2025 - 00:05:01: "x`
	var r srcdslog.Reader
	for line, want := range map[string]srcdslog.Kind{
		at + `"` + name + `<2><STEAM_1:0:123><Survivor>" entered the game`:                    srcdslog.Entered,
		at + `"Al<2><STEAM_1:0:123><Survivor>" say "` + name + `"`:                            srcdslog.Said,
		at + `"Al<2><STEAM_1:0:123><Survivor>" say "L 05/09/2026 - 26:03:00: no time"`:        srcdslog.Said,
		at + `"a>" killed "b<2><STEAM_1:0:123><Survivor>" say "x"`:                            srcdslog.Said,
		at + `"Al<2><STEAM_1:0:123><Survivor>" say "<3><BOT><>" killed me"`:                   srcdslog.Said,
		at + `"Al<2><STEAM_1:0:123><Survivor>" called vote "ReturnToLobby"`:                   srcdslog.Unknown,
		at + `"something" happened`:                                                           srcdslog.Unknown,
		at + `(SKIN) SetCharacter: Survivor Nick chose character Gambler(0) from model x.mdl`: srcdslog.Unknown,
		at: srcdslog.Unknown,
	} {
		if e, ok := r.Line(line); !ok || e.Kind != want || r.Torn() != 0 {
			t.Errorf("%s\ngot %q %v, %d torn lines counted", line, e.Kind, ok, r.Torn())
		}
	}
}

func TestReaderJoinsReasonsWithLineBreaks(t *testing.T) {
	const leaves = `"Al<2><STEAM_1:0:123><Survivor>" disconnected (reason "`
	for _, c := range []struct {
		name  string
		lines []string
		want  string // texts of the disconnects, and the kinds of other events
		torn  int
	}{
		{"end on a separate line", []string{at + leaves + "No Steam logon", `")`}, "[No Steam logon\n]", 0},
		{"a datagram's ends", []string{at + leaves + "No Steam logon\n\x00", "\")\n\x00", at + kill}, "[No Steam logon\n] killed", 0},
		{
			"three lines",
			[]string{at + leaves + "Kicked by Console : go", "", `"home" (now)")`},
			"[Kicked by Console : go\n\n\"home\" (now)]", 0,
		},
		{"never ends", []string{at + leaves + "gone", at + kill, `")`}, "killed", 1},
		{"two incomplete lines", []string{at + leaves + "a", at + leaves + "b", `")`}, "[b\n]", 1},
		{"too long", []string{at + leaves + "a", strings.Repeat("b", srcdslog.MaxLine)}, "", 1},
		{"in one call", []string{at + leaves + "a\nb\")"}, "[a\nb]", 0},
		{"interrupted by another line", []string{at + leaves + "a\n" + at + kill + `")`}, "", 1},
		{"other output", []string{"Server is hibernating", `")`, at + kill}, "killed", 0},
	} {
		r := srcdslog.Reader{Location: time.FixedZone("", 3600)}
		var got []string
		for _, line := range c.lines {
			switch e, ok := r.Line(line); {
			case !ok:
			case e.Kind == srcdslog.Disconnected:
				got = append(got, "["+e.Text+"]")
			default:
				got = append(got, string(e.Kind))
			}
		}
		if d := cmp.Diff(c.want, strings.Join(got, " ")); d != "" || r.Torn() != c.torn {
			t.Errorf("%s: %d torn lines\n%s", c.name, r.Torn(), d)
		}
	}
}

func TestReaderUsesLocation(t *testing.T) {
	r := srcdslog.Reader{Location: time.FixedZone("", 3600)}
	if e, ok := r.Line(at + kill); !ok || e.At.UTC().Hour() != 15 {
		t.Errorf("got %v, %v, want 15:00 UTC", e.At, ok)
	}
}

func FuzzReader(f *testing.F) {
	f.Add(strings.Join(torn, "\n"))
	f.Add(at + `"Al<2><STEAM_1:0:123><Survivor>" disconnected (reason "a` + "\nb\")\n" + at + kill + "\nServer is hibernating\n")
	f.Fuzz(func(t *testing.T, text string) {
		var r srcdslog.Reader
		lines, events := 0, 0
		for line := range strings.Lines(text) {
			lines++
			e, ok := r.Line(line)
			if !ok {
				continue
			}
			events++
			// Every event equals the event of its message parsed on a single line.
			alone, err := srcdslog.Parse("L " + e.At.Format("01/02/2006 - 15:04:05") + ": " + e.Message)
			if d := cmp.Diff(e, alone); d != "" || err != nil {
				t.Errorf("%q: %v\n%s", text, err, d)
			}
		}
		if events+r.Torn() > lines {
			t.Errorf("%q: got %d events and %d torn lines from %d lines", text, events, r.Torn(), lines)
		}
	})
}
