package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/left4me/left4me/internal/api/apitype"
	"github.com/left4me/left4me/internal/cli/apiclient"
	"github.com/left4me/left4me/internal/cli/output"
	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/host/diagnosis/remedy"
	"github.com/left4me/left4me/internal/left4me"
)

const (
	sysusersConf = "/usr/lib/sysusers.d/left4me.conf"
	tmpfilesConf = "/usr/lib/tmpfiles.d/left4me.conf"
	unitName     = "left4me.service"

	commandWithin = time.Minute // limit for one program run by setup
	readyWithin   = time.Minute
	askEvery      = 100 * time.Millisecond
)

// setup performs the steps between installing left4me and logging in. Each step checks first whether
// there is anything to do, so setup can be repeated at any time.
type setup struct {
	admin             string
	named             bool // the administrator's name was given explicitly
	passwordStdin     bool
	listen, publicURL string
	in                io.Reader
	out               io.Writer // progress output

	settings settings // settings of the service, known from the third step on
	stale    bool     // the running service does not use the current settings
	report   setupReport
}

// setupReport is the JSON output of setup.
type setupReport struct {
	Steps    []setupStep     `json:"steps"`
	URL      string          `json:"url"`
	Admin    string          `json:"admin,omitempty"`    // name of the created administrator
	Password string          `json:"password,omitempty"` // generated password
	Note     string          `json:"note,omitempty"`     // what was not done
	Findings []left4me.Check `json:"findings"`           // results of doctor that are not OK
}

type setupStep struct {
	What string `json:"what"`
	Made bool   `json:"made"` // false if the step had nothing to change
}

func setupCommand() *cobra.Command {
	var s setup
	c := &cobra.Command{
		Use: "setup", Short: "Set up left4me on this host after the installation", Args: noArguments,
		Long: "Set up left4me on this host after the installation: users, directories, a secret\n" +
			"key, the service and a first administrator. Existing ones are kept, so it can be\n" +
			"run again at any time. Requires root.",
	}
	c.Flags().StringVar(&s.admin, "admin", "admin",
		"administrator to create if missing; if not given, only created if there is no administrator")
	c.Flags().BoolVar(&s.passwordStdin, "password-stdin", false,
		"read the password from the first line of standard input (default: generated and printed)")
	c.Flags().StringVar(&s.listen, "listen", "",
		"address on which the panel and the API listen (default "+defaultListen+"); LEFT4ME_LISTEN")
	c.Flags().StringVar(&s.publicURL, "public-url", "", "URL of the panel for browsers, if a proxy provides it; LEFT4ME_PUBLIC_URL")
	c.RunE = func(c *cobra.Command, _ []string) error {
		s.in, s.out, s.named = c.InOrStdin(), c.OutOrStdout(), c.Flags().Changed("admin")
		asJSON, _ := c.Flags().GetBool("json")
		if asJSON {
			s.out = io.Discard
		}
		if err := s.run(c.Context()); err != nil {
			return fmt.Errorf("setup: %w", err)
		}
		if asJSON {
			return json.NewEncoder(c.OutOrStdout()).Encode(s.report)
		}
		return nil
	}
	return c
}

func (s *setup) run(ctx context.Context) error {
	if err := checkPossible(); err != nil {
		return err
	}
	for _, step := range []struct {
		what string
		do   func(context.Context) (made bool, err error)
	}{
		{"users and groups", s.users},
		{"directories", s.directories},
		{packagedEnv, s.environment},
		{unitName, s.service},
		{"administrator", s.administrator},
	} {
		made, err := step.do(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", step.what, err)
		}
		s.report.Steps = append(s.report.Steps, setupStep{What: step.what, Made: made})
		state := "ok"
		if made {
			state = "done"
		}
		fmt.Fprintf(s.out, "%-6s  %s\n", state, step.what)
	}
	s.printAdministrator()
	s.printAddress()
	return s.printFindings(ctx)
}

// checkPossible returns an error if nothing can be set up here.
func checkPossible() error {
	for _, path := range []string{sysusersConf, tmpfilesConf} {
		if _, err := os.Stat(path); err != nil {
			return left4me.NewError(left4me.Invalid, "setup.not_installed", "path", path, "document", document("install.md"))
		}
	}
	if _, err := os.Stat("/run/systemd/system"); err != nil {
		return left4me.NewError(left4me.Invalid, "setup.no_systemd", "command", serveCommandLine(defaultRoot, os.Getenv), "document",
			document("install.md"))
	}
	if os.Geteuid() != 0 {
		return left4me.NewError(left4me.Denied, "setup.not_root", "command", remedy.Here().AsRoot("left4me setup").String())
	}
	return nil
}

func (s *setup) users(ctx context.Context) (bool, error) {
	return changes([]string{"/etc/passwd", "/etc/group"}, contents, func() error {
		return runProgram(ctx, "systemd-sysusers", sysusersConf)
	})
}

func (s *setup) directories(ctx context.Context) (bool, error) {
	b, err := os.ReadFile(tmpfilesConf)
	if err != nil {
		return false, err
	}
	return changes(tmpfilesPaths(string(b)), owners, func() error {
		return runProgram(ctx, "systemd-tmpfiles", "--create", tmpfilesConf)
	})
}

// changes runs do and reports whether it changed the state of one of the paths.
func changes(paths []string, state func(path string) string, do func() error) (bool, error) {
	all := func() (seen string) {
		for _, path := range paths {
			seen += path + "\x00" + state(path) + "\x00"
		}
		return seen
	}
	before := all()
	err := do()
	return before != all(), err
}

func contents(path string) string {
	b, _ := os.ReadFile(path) // a missing file is empty
	return string(b)
}

// environment ensures that the service has settings, including a secret key.
func (s *setup) environment(context.Context) (bool, error) {
	old, err := os.ReadFile(packagedEnv)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return false, err
	}
	text := string(old)
	if len(old) == 0 {
		text = "# Settings of left4me. After a change: systemctl restart left4me\n"
	}
	if settingIn(text, "LEFT4ME_SECRET_KEY") == "" && settingIn(text, "LEFT4ME_SECRET_KEY_FILE") == "" {
		key := make([]byte, accounts.MinSecret)
		_, _ = rand.Read(key) // never fails
		text = withSetting(text, "LEFT4ME_SECRET_KEY", hex.EncodeToString(key))
	}
	if s.listen != "" {
		text = withSetting(text, "LEFT4ME_LISTEN", s.listen)
	}
	if s.publicURL != "" {
		text = withSetting(text, "LEFT4ME_PUBLIC_URL", s.publicURL)
	}
	if s.settings, err = readSettings(func(name string) string { return settingIn(text, name) }); err != nil {
		return false, left4me.NewError(left4me.Invalid, "usage.wrong", "reason", err.Error()).Because(err)
	}
	if err := accounts.CheckSecret(s.settings.secretKey); err != nil {
		return false, fmt.Errorf("LEFT4ME_SECRET_KEY: %w", err)
	}
	s.stale = text != string(old)
	access, err := sealed(packagedEnv)
	if err != nil || !s.stale && access {
		return false, err
	}
	return true, writeSealed(packagedEnv, text)
}

// service enables left4me and ensures that it runs with the current settings.
func (s *setup) service(ctx context.Context) (made bool, err error) {
	if err := runProgram(ctx, "systemctl", "daemon-reload"); err != nil {
		return false, err
	}
	if runProgram(ctx, "systemctl", "is-enabled", "--quiet", unitName) != nil {
		made = true
		if err := runProgram(ctx, "systemctl", "enable", "--quiet", unitName); err != nil {
			return made, err
		}
	}
	if s.stale || runProgram(ctx, "systemctl", "is-active", "--quiet", unitName) != nil {
		made = true
		_ = runProgram(ctx, "systemctl", "restart", unitName) // awaitReady reports the reason of a failure
	}
	return made, s.awaitReady(ctx)
}

func (s *setup) client() (*apiclient.Client, error) {
	return apiclient.New(apiclient.Target{Socket: socketOf(s.settings)})
}

// awaitReady waits until left4me is ready.
func (s *setup) awaitReady(ctx context.Context) error {
	client, err := s.client()
	if err != nil {
		return err
	}
	limit, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	ask := time.NewTicker(askEvery)
	defer ask.Stop()
	for {
		err := client.Ready(limit)
		if err == nil {
			return nil
		}
		if runProgram(ctx, "systemctl", "is-failed", "--quiet", unitName) == nil {
			return left4me.NewError(left4me.Unavailable, "setup.not_started", "reason", lastLogReason(ctx))
		}
		select {
		case <-limit.Done():
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return left4me.NewError(left4me.Unavailable, "setup.not_ready", "within", readyWithin, "reason",
				cmp.Or(lastLogReason(ctx), err.Error())).Because(err)
		case <-ask.C:
		}
	}
}

// lastLogReason returns the last line in left4me's log that gives the reason of its end.
func lastLogReason(ctx context.Context) (why string) {
	ctx, cancel := context.WithTimeout(ctx, commandWithin)
	defer cancel()
	out, err := exec.CommandContext(ctx, "journalctl", "--no-pager", "--quiet", "--output=cat", "--lines=50", "--unit="+unitName).Output()
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(out)) {
		if text, ok := strings.CutPrefix(line, "left4me: "); ok {
			why = strings.TrimSpace(text)
		}
	}
	return why
}

// administrator creates the administrator given by name, or the first one if there is none. An existing
// one keeps their password.
func (s *setup) administrator(ctx context.Context) (bool, error) {
	client, err := s.client()
	if err != nil {
		return false, err
	}
	var users []apitype.User
	if _, err := client.Call(ctx, http.MethodGet, "/users", nil, &users); err != nil {
		return false, err
	}
	there := slices.IndexFunc(users, func(u apitype.User) bool { return u.Name == s.admin })
	first := slices.IndexFunc(users, func(u apitype.User) bool { return u.Admin })
	switch {
	case there >= 0 && !users[there].Admin && (s.named || first < 0):
		return false, left4me.NewError(left4me.Conflict, "setup.user_no_administrator", "user", output.OneLine(s.admin), "word",
			left4me.ShellWord(s.admin))
	case there >= 0 && users[there].Admin, first >= 0 && !s.named:
		if there < 0 || !users[there].Admin {
			there = first
		}
		if s.passwordStdin {
			s.report.Note = "the administrator " + output.OneLine(users[there].Name) +
				" exists; the password from standard input was not used. To change the password: `left4me user password " +
				left4me.ShellWord(users[there].Name) + "`"
		}
		return false, nil
	}
	password := rand.Text()
	if s.passwordStdin {
		line, err := bufio.NewReader(io.LimitReader(s.in, 2*accounts.MaxPassword)).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return false, fmt.Errorf("read the password: %w", err)
		}
		password = strings.TrimRight(line, "\r\n")
	}
	in := apitype.NewUser{Name: s.admin, Password: password, Admin: true}
	if _, err := client.Call(ctx, http.MethodPost, "/users", in, nil); err != nil {
		return false, err
	}
	s.report.Admin = s.admin
	if !s.passwordStdin {
		s.report.Password = password
	}
	return true, nil
}

func (s *setup) printAdministrator() {
	if s.report.Note != "" {
		fmt.Fprintln(s.out, "\n"+s.report.Note)
	}
	if s.report.Password != "" {
		fmt.Fprintf(s.out, "\nlog in as %s with the password %s\nThe password is not shown again.\n", s.report.Admin, s.report.Password)
	}
}

func (s *setup) printAddress() {
	name, err := os.Hostname()
	if err != nil {
		name = "this-machine"
	}
	var advice []string
	s.report.URL, advice = address(s.settings, name)
	fmt.Fprintf(s.out, "\nleft4me is available at %s\n", s.report.URL)
	for _, line := range advice {
		fmt.Fprintln(s.out, line)
	}
}

// printFindings prints the problems found by doctor. doctor runs as left4me's user, because root has
// more rights.
func (s *setup) printFindings(ctx context.Context) error {
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, commandWithin)
	defer cancel()
	cmd := asUser(ctx, "left4me", exe, "doctor", "--json", "--for-root")
	var stderr bytes.Buffer
	cmd.Dir, cmd.Env, cmd.Stderr = "/", []string{"PATH=" + os.Getenv("PATH")}, &stderr
	out, failed := cmd.Output() // fails if something is broken
	var found struct{ Checks []left4me.Check }
	if err := json.Unmarshal(out, &found); err != nil {
		return fmt.Errorf("doctor: %w: %s", cmp.Or(failed, err), strings.TrimSpace(stderr.String()))
	}
	s.report.Findings = []left4me.Check{}
	for _, c := range found.Checks {
		if c.State != left4me.CheckOK && c.State != left4me.CheckSkipped {
			s.report.Findings = append(s.report.Findings, c)
		}
	}
	if len(s.report.Findings) > 0 {
		fmt.Fprintf(s.out, "\nleft4me doctor found:\n")
	}
	output.WriteChecks(s.out, s.report.Findings)
	return nil
}

// asUser returns a command that runs as another user. It gets a session of its own, because a process
// with root's terminal could type into it.
func asUser(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "runuser", append([]string{"-u", name, "--"}, args...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.WaitDelay = time.Second // runuser may exit before its child
	return cmd
}

// runProgram runs a system program. The error contains its output.
func runProgram(ctx context.Context, name string, args ...string) error {
	ctx, cancel := context.WithTimeout(ctx, commandWithin)
	defer cancel()
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, bytes.TrimSpace(out))
	}
	return nil
}
