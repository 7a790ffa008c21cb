package cli

import (
	"fmt"
	"io"
	"net/http"

	"github.com/spf13/cobra"

	"github.com/left4me/left4me/internal/api/apitype"
	"github.com/left4me/left4me/internal/bytesize"
	"github.com/left4me/left4me/internal/cli/output"
	"github.com/left4me/left4me/internal/left4me"
)

// backupCommands are the subcommands of left4me backup.
type backupCommands struct{ app *app }

func (cmd backupCommands) command() *cobra.Command {
	return group("backup", "Create and manage backups",
		cmd.create(), cmd.list(), cmd.show(), cmd.verify(), cmd.download(), cmd.delete(), cmd.schedule(),
		cmd.restorePart("server", "the present server is deleted, and can be restored for 7 days."),
		cmd.restorePart("overlay", "its files become the next revision, and earlier revisions stay."))
}

func (cmd backupCommands) create() *cobra.Command {
	c := &cobra.Command{
		Use: "create", Short: "Create a backup and verify it", Args: NoArguments,
		Long: "Create a backup and verify it. Servers keep running. The backup contains all\n" +
			"secrets of this left4me: protect it accordingly.",
	}
	background := c.Flags().Bool("no-wait", false, "return as soon as the job is queued")
	c.RunE = func(c *cobra.Command, _ []string) error {
		return cmd.app.begin(c.Context(), "create backup", http.MethodPost, "/backups", nil, !*background)
	}
	return c
}

func (cmd backupCommands) list() *cobra.Command {
	c := &cobra.Command{Use: "list", Aliases: []string{"ls"}, Short: "List backups, newest first", Args: NoArguments}
	c.RunE = func(c *cobra.Command, _ []string) error {
		var all []apitype.Backup
		raw, err := cmd.app.call(c.Context(), http.MethodGet, "/backups", nil, &all)
		if err != nil {
			return fmt.Errorf("list backups: %w", err)
		}
		return cmd.app.print(raw, func(w io.Writer) {
			if cmd.app.quiet {
				for _, b := range all {
					fmt.Fprintln(w, b.Name)
				}
				return
			}
			fmt.Fprintln(w, "NAME\tCREATED\tSIZE\tFILES\tSTATE")
			for _, b := range all {
				state := string(b.State)
				if n := len(b.Warnings); n > 0 {
					state += fmt.Sprintf(", %d warnings", n)
				}
				fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%s\n", b.Name, output.Moment(b.CreatedAt), bytesize.MB(b.Bytes), b.Files, state)
			}
		})
	}
	return c
}

func (cmd backupCommands) verify() *cobra.Command {
	c := &cobra.Command{
		Use: "verify NAME|FILE", Short: "Verify all files of a backup", Args: one("the name of a backup, or a file"),
		Long: "Read a whole backup and compare every file with its checksum.\n" +
			"A FILE can be verified without a running left4me.",
		ValidArgsFunction: cmd.complete,
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		if cmd.app.VerifyFile != nil && !left4me.Name(args[0]).Valid() {
			return cmd.app.VerifyFile(c.Context(), args[0], cmd.app.Out, cmd.app.json)
		}
		path, err := backupPath(args[0])
		if err != nil {
			return err
		}
		return cmd.app.begin(c.Context(), "verify "+args[0], http.MethodPost, path+"/verify", nil, true)
	}
	return c
}

func (cmd backupCommands) delete() *cobra.Command {
	c := &cobra.Command{
		Use:               "delete NAME",
		Aliases:           []string{"rm"},
		Short:             "Delete a backup",
		Args:              one("the name of a backup"),
		ValidArgsFunction: cmd.complete,
	}
	yes := c.Flags().Bool("yes", false, "do not ask for confirmation")
	c.RunE = func(c *cobra.Command, args []string) error {
		path, err := backupPath(args[0])
		if err != nil {
			return err
		}
		if !*yes {
			if err := cmd.app.confirm(c.Context(), left4me.Name(args[0]), "this deletes the backup"); err != nil {
				return fmt.Errorf("delete backup %s: %w", args[0], err)
			}
		}
		raw, err := cmd.app.call(c.Context(), http.MethodDelete, path, nil, nil)
		if err != nil {
			return fmt.Errorf("delete backup %s: %w", args[0], err)
		}
		return cmd.app.print(raw, func(w io.Writer) {
			if !cmd.app.quiet {
				fmt.Fprintf(w, "backup %s deleted\n", args[0])
			}
		})
	}
	return c
}

func (cmd backupCommands) download() *cobra.Command {
	c := &cobra.Command{Use: "download NAME [FILE]", Short: "Download a backup", ValidArgsFunction: cmd.complete}
	c.Args = func(c *cobra.Command, args []string) error {
		if len(args) < 1 || len(args) > 2 {
			return left4me.NewError(left4me.Invalid, "usage.backup_download", "command", name(c), "help", c.CommandPath())
		}
		return nil
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		path, err := backupPath(args[0])
		if err != nil {
			return err
		}
		file := args[0] + ".tar.zst"
		if len(args) == 2 {
			file = args[1]
		}
		if err := cmd.app.download(c.Context(), path+"/file", file); err != nil {
			return fmt.Errorf("download %s: %w", args[0], err)
		}
		if !cmd.app.quiet && !cmd.app.json {
			fmt.Fprintf(cmd.app.Out, "wrote %s; it contains secrets\n", file)
		}
		return nil
	}
	return c
}

func (cmd backupCommands) schedule() *cobra.Command {
	c := &cobra.Command{
		Use: "schedule", Short: "Show or change the backup schedule", Args: NoArguments,
		Long: "Show or change when scheduled backups are created and how many are kept: the newest\n" +
			"backup of each of the last days and weeks that have one. Backups that were created\nby hand are never removed automatically.",
	}
	at := c.Flags().String("at", "", "create a backup every day at this local time of the host, such as 04:30")
	off := c.Flags().Bool("off", false, "disable scheduled backups")
	on := c.Flags().Bool("on", false, "enable scheduled backups")
	daily := c.Flags().Int("daily", 0, "number of days for which the newest backup is kept")
	weekly := c.Flags().Int("weekly", 0, "number of weeks for which the newest backup is kept")
	c.MarkFlagsMutuallyExclusive("on", "off")
	c.RunE = func(c *cobra.Command, _ []string) error {
		var p apitype.BackupPolicy
		raw, err := cmd.app.call(c.Context(), http.MethodGet, "/backup-policy", nil, &p)
		changed := false
		set := func(flag string, change func()) {
			if c.Flags().Changed(flag) {
				change()
				changed = true
			}
		}
		set("at", func() { p.At, p.Enabled = *at, true })
		set("daily", func() { p.Daily = *daily })
		set("weekly", func() { p.Weekly = *weekly })
		set("on", func() { p.Enabled = *on })
		set("off", func() { p.Enabled = !*off })
		if err == nil && changed {
			raw, err = cmd.app.call(c.Context(), http.MethodPut, "/backup-policy", p, &p)
		}
		if err != nil {
			return fmt.Errorf("schedule of backups: %w", err)
		}
		return cmd.app.print(raw, func(w io.Writer) { writePolicy(w, p) })
	}
	return c
}

func writePolicy(w io.Writer, p apitype.BackupPolicy) {
	if !p.Enabled {
		fmt.Fprintln(w, "no scheduled backups")
		return
	}
	fmt.Fprintf(w, "every day at %s; keeping the newest backup of %d days and %d weeks\n", output.OneLine(p.At), p.Daily, p.Weekly)
}

// backupPath returns the path of a backup in the API.
func backupPath(n string) (string, error) {
	if _, err := left4me.ParseName(n); err != nil {
		return "", fmt.Errorf("backup: %w", err)
	}
	return "/backups/" + n, nil
}

func (cmd backupCommands) complete(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveDefault
	}
	return cmd.app.names(c, "/backups", "name"), cobra.ShellCompDirectiveDefault
}

// partSize formats the size of a part of a backup; a negative one is unknown.
func partSize(bytes int64) string {
	if bytes < 0 {
		return "unknown"
	}
	return bytesize.MB(bytes)
}

func (cmd backupCommands) show() *cobra.Command {
	c := &cobra.Command{
		Use: "show NAME", Short: "List the servers and overlays in a backup", Args: one("the name of a backup"),
		Long: "List the servers and overlays in a backup, each of which can be restored with\n" +
			"restore-server or restore-overlay. Sizes are unknown until the backup is verified.",
		ValidArgsFunction: cmd.complete,
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		path, err := backupPath(args[0])
		if err != nil {
			return err
		}
		var in apitype.BackupContents
		raw, err := cmd.app.call(c.Context(), http.MethodGet, path+"/contents", nil, &in)
		if err != nil {
			return fmt.Errorf("show backup %s: %w", args[0], err)
		}
		return cmd.app.print(raw, func(w io.Writer) {
			fmt.Fprintln(w, "KIND\tNAME\tSIZE\tABOUT")
			for _, s := range in.Servers {
				about := fmt.Sprintf("port %d, blueprint %s", s.Port, s.Blueprint)
				if s.Deleted {
					about += ", deleted"
				}
				fmt.Fprintf(w, "server\t%s\t%s\t%s\n", s.Name, partSize(s.Bytes), about)
			}
			for _, o := range in.Overlays {
				fmt.Fprintf(w, "overlay\t%s\t%s\t%s\n", o.Name, partSize(o.Bytes), output.OneLine(string(o.Kind)))
			}
		})
	}
	return c
}

// restorePart returns the command that restores a server or an overlay; stays says what becomes of the
// one that is replaced.
func (cmd backupCommands) restorePart(noun, stays string) *cobra.Command {
	var in apitype.RestorePart
	c := &cobra.Command{
		Use: "restore-" + noun + " BACKUP NAME", Short: "Restore one " + noun + " from a backup",
		Long: "Restore one " + noun + " from a backup, while left4me runs.\n\n" +
			"Without --replace it is restored next to what exists, with its own name or, if that is\n" +
			"in use, a free one. With --replace it is restored in place of what has its name now:\n" + stays,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 2 {
				return left4me.NewError(left4me.Invalid, "usage.wrong", "reason", c.CommandPath()+" needs a backup and a "+noun)
			}
			return nil
		},
		ValidArgsFunction: cmd.complete,
	}
	c.Flags().StringVar(&in.As, "as", "", "new name of the "+noun)
	c.Flags().BoolVar(&in.Replace, "replace", false, "restore in place of what has the name now")
	yes := c.Flags().BoolP("yes", "y", false, "do not ask for confirmation")
	wait := c.Flags().Bool("wait", false, "wait until the job has ended")
	c.RunE = func(c *cobra.Command, args []string) error {
		path, err := backupPath(args[0])
		if err != nil {
			return err
		}
		what := "restore " + noun + " " + args[1]
		in.Name = args[1]
		if in.Replace && !*yes {
			if err := cmd.app.confirm(c.Context(), left4me.Name(args[1]), "this replaces the present "+noun); err != nil {
				return fmt.Errorf("%s: %w", what, err)
			}
		}
		return cmd.app.begin(c.Context(), what, http.MethodPost, path+"/restore-"+noun, in, *wait)
	}
	return c
}
