package steamcmd

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unicode"

	"github.com/left4me/left4me/internal/left4me"
)

// commands is the list of commands for SteamCMD, each with its arguments.
type commands struct {
	lines   [][]string
	account Account
}

// newCommands begins with the commands that every run needs: never prompt, stop at the first failed
// command, and log in. force_install_dir must come before the login.
func newCommands(dir string, a Account) commands {
	c := commands{account: a}
	c.add("@ShutdownOnFailedCommand", "1")
	c.add("@NoPromptForPassword", "1")
	if dir != "" {
		c.add("force_install_dir", dir)
	}
	login := []string{"login", "anonymous"}
	if a.User != "" {
		login = []string{"login", a.User}
		if a.Password != "" {
			login = append(login, a.Password)
			if a.Guard != "" {
				login = append(login, a.Guard)
			}
		}
	}
	c.add(login...)
	return c
}

func (c *commands) add(words ...string) { c.lines = append(c.lines, words) }

// runScripts is the name pattern of command files, which may contain a password.
const runScripts = ".left4me-run-*"

// args returns the command line for the commands. Commands with a password are passed in a file
// with mode 0600, because every user can read command lines. done removes the file.
func (c commands) args(home string) (args []string, done func(), err error) {
	left, _ := filepath.Glob(filepath.Join(home, runScripts))
	for _, l := range left { // left by a run that was killed
		_ = os.Remove(l)
	}
	if c.account.Password == "" {
		for _, words := range c.lines {
			args = append(args, "+"+words[0])
			args = append(args, words[1:]...)
		}
		return append(args, "+quit"), func() {}, nil
	}
	var b strings.Builder
	for _, words := range c.lines {
		b.WriteString(words[0])
		for _, w := range words[1:] {
			fmt.Fprintf(&b, ` "%s"`, w) // no escapes exist; Account.check rejects quotes
		}
		b.WriteByte('\n')
	}
	b.WriteString("quit\n")
	f, err := os.CreateTemp(home, runScripts) // 0600
	if err != nil {
		return nil, nil, notWritable(home, err)
	}
	done = func() { _ = os.Remove(f.Name()) }
	if _, err = f.WriteString(b.String()); err == nil {
		err = f.Close()
	}
	if err != nil {
		f.Close()
		done()
		return nil, nil, notWritable(home, err)
	}
	return []string{"+runscript", f.Name()}, done, nil
}

// secretReplacer returns a replacer that removes the secrets from output.
func (c commands) secretReplacer() *strings.Replacer {
	var pairs []string
	for _, secret := range []string{c.account.Password, c.account.Guard} {
		if secret != "" {
			pairs = append(pairs, secret, "(hidden)")
		}
	}
	return strings.NewReplacer(pairs...)
}

// check rejects values that cannot be passed to SteamCMD or that it would read as something else.
func (a Account) check() error {
	for _, part := range []struct {
		field, value string
		bad          *left4me.Error
	}{
		{"LEFT4ME_STEAM_USER", a.User, left4me.NewError(left4me.Invalid, "steam.name_character")},
		{"LEFT4ME_STEAM_PASSWORD", a.Password, left4me.NewError(left4me.Invalid, "steam.password_character")},
		{"guard", a.Guard, left4me.NewError(left4me.Invalid, "steam.guard_character")},
	} {
		bad := strings.ContainsFunc(part.value, func(r rune) bool { return r == '"' || unicode.IsControl(r) })
		if part.field != "LEFT4ME_STEAM_PASSWORD" {
			bad = bad || strings.ContainsFunc(part.value, unicode.IsSpace)
		}
		if bad || len(part.value) > 256 || strings.HasPrefix(part.value, "+") && part.field != "LEFT4ME_STEAM_PASSWORD" {
			return part.bad.InField(part.field)
		}
	}
	if a.User == "" && a.Password != "" {
		return left4me.NewError(left4me.Invalid, "steam.password_without_name").InField("LEFT4ME_STEAM_USER")
	}
	return nil
}
