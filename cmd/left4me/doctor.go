package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/cli/output"
	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/host/diagnosis/doctor"
	"github.com/left4me/left4me/internal/host/diagnosis/remedy"
	"github.com/left4me/left4me/internal/host/running/instance"
	"github.com/left4me/left4me/internal/host/running/systemd"
	"github.com/left4me/left4me/internal/left4me"
)

// packagedUnit is the path of the server unit installed by a package.
const packagedUnit = "/usr/lib/systemd/system/left4me-server@.service"

func doctorCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "doctor", Short: "Check whether servers can run on this host", Args: noArguments,
		Long: "Check whether servers can run on this host, and show each problem with its remedy.\n" +
			"left4me does not need to be running. Run it as left4me's user, or as root, which\n" +
			"has access to more information. The exit code is 1 if a problem prevents servers\n" +
			"from running.\n\n" +
			"Without --fix, it changes nothing. --fix repairs what belongs to left4me and is safe\n" +
			"to repair: its directories, their owners and modes, and links to Steam's libraries.",
	}
	getenv := addSettings(c)
	forRoot := c.Flags().Bool("for-root", false, "format remedies for root")
	_ = c.Flags().MarkHidden("for-root")
	file := c.Flags().String("env-file", packagedEnv, "file with settings that are not in the environment")
	fix := c.Flags().Bool("fix", false, "repair what can be repaired safely, and report the changes")
	c.RunE = func(c *cobra.Command, _ []string) error {
		s, err := readSettings(fromFile(getenv, *file))
		asJSON, _ := c.Flags().GetBool("json")
		if err != nil {
			return printChecks(c, []left4me.Check{settingsCheck(err)}, nil, asJSON)
		}
		s.envFile, s.reader = *file, remedy.Here()
		if *forRoot {
			s.reader = remedy.Reader{Root: true}
		}
		client := clientOf(c)
		s.token = client.Token != ""
		if client.URL != "" && !installed(s) {
			return printChecks(c, elsewhere(c.Context(), client), nil, asJSON)
		}
		var mended []string
		if *fix {
			cfg, err := s.doctor(c.Context())
			if err != nil {
				return err
			}
			if mended, err = doctor.Fix(c.Context(), cfg); err != nil {
				for _, done := range mended {
					fmt.Fprintln(c.ErrOrStderr(), "done: "+done)
				}
				return fmt.Errorf("fix: %w", err)
			}
		}
		return printChecks(c, append(checkCommands(c.Context(), s, client), checkMachine(c.Context(), s)...), mended, asJSON)
	}
	return c
}

// checkMachine runs all checks, starting with the settings.
func checkMachine(ctx context.Context, s settings) []left4me.Check {
	checks := checkSettings(s)
	cfg, err := s.doctor(ctx)
	if err != nil {
		return append(checks, left4me.NewCheck(left4me.CheckBroken, "program", "program.unknown", "reason", err))
	}
	return append(checks, doctor.Checks(ctx, cfg)...)
}

// doctor returns the configuration of the doctor.
func (s settings) doctor(ctx context.Context) (doctor.Config, error) {
	exe, err := os.Executable()
	if err != nil {
		return doctor.Config{}, err
	}
	_, err = os.Stat(packagedUnit)
	return doctor.Config{
		Root: s.root, Run: s.run, Low: s.ports.Low, High: s.ports.High, Exe: exe, Env: s.envFile,
		Reader: s.reader, Token: s.token,
		SteamCMD: s.steamcmd, SteamAPI: s.steamAPI, Downloads: s.steamcmdURL, Packaged: err == nil && s.root == defaultRoot,
		Systemd: systemd.Available(ctx, systemd.Config{Root: instance.Root(s.root), Run: s.run}),
	}, nil
}

// probeCommand is run by doctor in separate namespaces.
func probeCommand() *cobra.Command {
	return &cobra.Command{
		Use: doctor.ProbeCommand + " DIR", Hidden: true, Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return doctor.Probe(args[0]) },
	}
}

// checkSettings checks the environment and the flags.
func checkSettings(s settings) []left4me.Check {
	return append([]left4me.Check{checkSecret(s), checkListen(s), checkDatabase(s)}, checkBus(s.root)...)
}

// settingsCheck reports that the settings are invalid.
func settingsCheck(err error) left4me.Check {
	return left4me.NewCheck(left4me.CheckBroken, "settings", "settings.invalid", "reason", left4me.ReasonOf(err))
}

// notPermitted reports a file that this user may not read.
func notPermitted(s settings, name, path string) left4me.Check {
	return left4me.NewCheck(left4me.CheckSkipped, name, "owners.not_permitted", "path", path, "command", s.reader.AsRoot("left4me doctor"))
}

// checkBus reports the message stores that serve has moved aside.
func checkBus(root string) (checks []left4me.Check) {
	for _, path := range bus.Aside(filepath.Join(root, busName)) {
		checks = append(checks, left4me.NewCheck(left4me.CheckWarn, "message store", "bus.damaged", "path", path,
			"command", left4me.Commands("rm -r "+left4me.ShellWord(path))))
	}
	return checks
}

// checkSecret checks the secret key if this user may read it. Whether serve has received it in its
// environment, or reads it as its own user, cannot be checked here.
func checkSecret(s settings) left4me.Check {
	const name = "secret key"
	err := accounts.CheckSecret(s.secretKey)
	switch {
	case err == nil:
		return left4me.NewCheck(left4me.CheckOK, name, "secret.ok")
	case s.secretKey == "" && serving(s):
		return left4me.NewCheck(left4me.CheckSkipped, name, "secret.hidden")
	case s.secretKey == "" && unix.Access(s.envFile, unix.R_OK) == unix.EACCES:
		return notPermitted(s, name, s.envFile)
	}
	return left4me.NewCheck(left4me.CheckBroken, name, "secret.refused", "reason", left4me.ReasonOf(secretError(s.root, s.reader, err)))
}

// checkListen checks whether serve can listen on its address, or already does.
func checkListen(s settings) left4me.Check {
	const name = "address"
	if serving(s) {
		return left4me.NewCheck(left4me.CheckOK, name, "listen.serving")
	}
	l, err := net.Listen("tcp", s.listen)
	if err != nil {
		return left4me.NewCheck(left4me.CheckBroken, name, "listen.failed", "reason", err)
	}
	l.Close()
	return left4me.NewCheck(left4me.CheckOK, name, "listen.free", "address", s.listen)
}

// serving reports whether a left4me runs on the root directory.
func serving(s settings) bool {
	// Root may run this in a directory of another user: do not wait for a pipe there.
	lock, err := os.OpenFile(filepath.Join(s.root, lockName), os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrPermission) && underSystemd(s.root) {
		return unitState(context.Background()) == unitUp
	}
	if err != nil {
		return false
	}
	defer lock.Close()
	return errors.Is(syscall.Flock(int(lock.Fd()), syscall.LOCK_SH|syscall.LOCK_NB), syscall.EWOULDBLOCK)
}

func printChecks(c *cobra.Command, checks []left4me.Check, mended []string, asJSON bool) error {
	w, healthy := c.OutOrStdout(), left4me.Healthy(checks)
	if asJSON {
		out := map[string]any{"healthy": healthy, "checks": checks}
		if mended != nil {
			out["mended"] = mended
		}
		if err := json.NewEncoder(w).Encode(out); err != nil {
			return err
		}
	} else {
		for _, m := range mended {
			fmt.Fprintf(w, "repaired %s\n", m)
		}
		output.WriteChecks(w, checks)
		fmt.Fprintln(w, summary(checks))
	}
	if !healthy {
		return output.ErrFailed
	}
	return nil
}

// summary returns the line below the findings with the number of problems.
func summary(checks []left4me.Check) string {
	count := map[left4me.CheckState]int{}
	for _, c := range checks {
		count[c.State]++
	}
	broken, warned := "no problems found", ""
	if n := count[left4me.CheckBroken]; n > 0 {
		broken = fmt.Sprintf("%d broken", n)
	}
	if n := count[left4me.CheckWarn]; n == 1 {
		warned = ", 1 warning"
	} else if n > 1 {
		warned = fmt.Sprintf(", %d warnings", n)
	}
	return "\n" + broken + warned
}
