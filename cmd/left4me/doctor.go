package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/left4me/left4me/cli"
	"github.com/left4me/left4me/control/accounts"
	"github.com/left4me/left4me/host/doctor"
	"github.com/left4me/left4me/host/instance"
	"github.com/left4me/left4me/host/systemd"
)

func doctorCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "doctor", Short: "Say whether servers can run on this machine, and what is missing", Args: noArguments,
		Long: "Say whether servers can run on this machine, what is in the way and what mends\nit. It needs no left4me that runs. Run it as the user that left4me runs as. The\nexit code is 1 when something is broken.",
	}
	getenv := addSettings(c)
	file := c.Flags().String("env-file", packagedEnv, "settings that are not in the environment")
	c.RunE = func(c *cobra.Command, _ []string) error {
		exe, err := os.Executable()
		if err != nil {
			return err
		}
		s, err := readSettings(fromFile(getenv, *file))
		checks := checkSettings(s, err)
		if err == nil {
			checks = append(checks, doctor.Look(c.Context(), doctor.Config{
				Root: s.root, Low: s.ports.Low, High: s.ports.High, Exe: exe,
				Systemd: systemd.Available(c.Context(), systemd.Config{Root: instance.Root(s.root), Run: s.run}),
			})...)
		}
		asJSON, _ := c.Flags().GetBool("json")
		if err := printChecks(c.OutOrStdout(), checks, asJSON); err != nil {
			return err
		}
		if !doctor.Healthy(checks) {
			return cli.ErrFailed
		}
		return nil
	}
	return c
}

// probeCommand is what doctor runs in namespaces of their own.
func probeCommand() *cobra.Command {
	return &cobra.Command{
		Use: doctor.ProbeCommand + " DIR", Hidden: true, Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return doctor.Probe(args[0]) },
	}
}

// checkSettings looks at what the environment and the flags say.
func checkSettings(s settings, err error) []doctor.Check {
	if err != nil {
		return []doctor.Check{{Name: "settings", State: doctor.Broken, Text: err.Error()}}
	}
	secret := doctor.Check{Name: "secret key", State: doctor.OK, Text: "set"}
	if err := accounts.CheckSecret(s.secretKey); err != nil {
		secret.State, secret.Text = doctor.Broken, "LEFT4ME_SECRET_KEY: "+err.Error()
	}
	return []doctor.Check{secret, checkListen(s), checkDatabase(s.root)}
}

// checkListen sees whether serve could listen, or does.
func checkListen(s settings) doctor.Check {
	c := doctor.Check{Name: "address", State: doctor.OK, Text: s.listen + " is free"}
	if serving(s) {
		c.Text = "left4me serves"
		return c
	}
	l, err := net.Listen("tcp", s.listen)
	if err != nil {
		c.State, c.Text, c.Mend = doctor.Broken, "LEFT4ME_LISTEN: "+err.Error(), "choose another address, or end what has it"
		return c
	}
	l.Close()
	return c
}

// serving reports whether a left4me works on the root.
func serving(s settings) bool {
	lock, err := os.Open(filepath.Join(s.root, lockName))
	if err != nil {
		return false
	}
	defer lock.Close()
	return errors.Is(syscall.Flock(int(lock.Fd()), syscall.LOCK_SH|syscall.LOCK_NB), syscall.EWOULDBLOCK)
}

func printChecks(w io.Writer, checks []doctor.Check, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(map[string]any{"healthy": doctor.Healthy(checks), "checks": checks})
	}
	for _, c := range checks {
		if _, err := fmt.Fprintf(w, "%-6s  %s: %s\n", c.State, c.Name, c.Text); err != nil {
			return err
		}
		if c.Mend != "" {
			if _, err := fmt.Fprintf(w, "        → %s\n", c.Mend); err != nil {
				return err
			}
		}
	}
	return nil
}
