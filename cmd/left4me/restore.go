package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/left4me/left4me/internal/bytesize"
	"github.com/left4me/left4me/internal/cli/output"
	"github.com/left4me/left4me/internal/host/backup"
	"github.com/left4me/left4me/internal/host/diagnosis/remedy"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/store"
)

// addRestore adds the restore command, which works without a running left4me, to the backup commands.
func addRestore(root *cobra.Command) {
	for _, c := range root.Commands() {
		if c.Name() == "backup" {
			c.AddCommand(restoreCommand())
		}
	}
}

func restoreCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "restore FILE", Short: "Restore a backup on this host", Args: cobra.ExactArgs(1),
		Long: `Restore a backup on this host while left4me is stopped. The whole backup is checked
before any file is changed. If run by root, the files get the owners under which
left4me and the game run.

The settings in the backup, including the secret key, are only restored with
--settings. Backups do not contain the game or workshop items, which are downloaded
again.`,
	}
	getenv := addSettings(c)
	force := c.Flags().Bool("force", false, "move existing data to ROOT/before-restore-…")
	settingsTo := c.Flags().String("settings", "",
		"restore the *.env files, which contain secrets, to this directory, such as "+defaultConfig)
	c.RunE = func(c *cobra.Command, args []string) error {
		s, err := readSettings(getenv)
		if err != nil {
			return left4me.NewError(left4me.Invalid, "usage.wrong", "reason", err.Error()).Because(err)
		}
		t := backup.Target{Root: s.root, Settings: *settingsTo, Schema: store.Schema(), Force: *force, Now: time.Now()}
		done, err := restore(c.Context(), s, t, args[0])
		if err != nil {
			return fmt.Errorf("restore %s: %w", args[0], err)
		}
		if asJSON, _ := c.Flags().GetBool("json"); asJSON {
			return json.NewEncoder(c.OutOrStdout()).Encode(done)
		}
		_, err = io.WriteString(c.OutOrStdout(), restoredText(done, s.root))
		return err
	}
	return c
}

// restore restores a backup. It holds the lock of serve and requires that no server runs.
func restore(ctx context.Context, s settings, t backup.Target, file string) (backup.Restored, error) {
	f, err := os.Open(file)
	if err != nil {
		return backup.Restored{}, fileError(err)
	}
	defer f.Close()
	if _, err := os.Stat(s.root); err == nil {
		unlock, err := lockRoot(s.root)
		if err != nil {
			return backup.Restored{}, err
		}
		defer unlock()
		if err := requireNoServers(ctx, s); err != nil {
			return backup.Restored{}, err
		}
	}
	return backup.Restore(ctx, f, t)
}

// requireNoServers returns an error if a server is running, because it could write to files that are moved
// aside.
func requireNoServers(ctx context.Context, s settings) error {
	sup, _, err := supervisor(ctx, s, newLog())
	if err != nil {
		return err
	}
	up, err := sup.List(ctx)
	if err == nil && len(up) > 0 {
		err = left4me.NewError(left4me.Busy, "restore.server_runs", "server", up[0])
	}
	return err
}

func fileError(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return left4me.NewError(left4me.NotFound, "file.unknown").Because(err)
	}
	return err
}

// restoredText describes what was done and what the user still has to do.
func restoredText(r backup.Restored, root string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "restored %d files, %s, of %s\n", r.Files, bytesize.MB(r.Bytes), r.Head.CreatedAt.Local().Format(time.DateTime))
	if r.Aside != "" {
		fmt.Fprintf(&b, "the previous data is in %s; delete it once the restored left4me works\n", r.Aside)
	}
	for _, w := range r.Written {
		fmt.Fprintf(&b, "settings restored to %s\n", w)
	}
	if len(r.Kept) > 0 {
		fmt.Fprintf(&b, "settings not restored (%s): without their LEFT4ME_SECRET_KEY, all users must log in again, and tokens are "+
			"invalid\n", strings.Join(r.Kept, ", "))
	}
	if n := len(r.Missing); n > 0 {
		fmt.Fprintf(&b, "%d downloads are missing in %s and are not part of backups: download them again\n", n, root)
	}
	fmt.Fprintln(&b, "start left4me: "+afterRestore(root))
	if !r.Game {
		fmt.Fprintln(&b, "then install the game: `left4me game install --wait`")
	}
	return b.String()
}

// afterRestore returns the command that starts left4me after a restore. setup also enables the service
// at boot, which is not done yet on a new machine.
func afterRestore(root string) string {
	if underSystemd(root) {
		return remedy.Here().AsRoot("left4me setup").String()
	}
	return "`" + serveCommandLine(root, os.Getenv) + "`"
}

// verifyFile checks a backup without a running left4me.
func verifyFile(ctx context.Context, file string, out io.Writer, asJSON bool) error {
	f, err := os.Open(file)
	if err != nil {
		return fmt.Errorf("verify %s: %w", file, fileError(err))
	}
	defer f.Close()
	r, err := backup.Verify(ctx, f, nil)
	if err != nil {
		return err
	}
	if want, err := backup.SumBeside(file); err == nil && want != "" && want != r.SHA256 {
		r.Damage = append(r.Damage, "the checksum of the archive differs from its .sha256 file")
	}
	if asJSON {
		err = json.NewEncoder(out).Encode(map[string]any{
			"file": filepath.Base(file), "good": len(r.Damage) == 0, "damage": append([]string{}, r.Damage...), "sha256": r.SHA256,
			"files": r.Files(), "warnings": append([]string{}, r.Warnings...), "created_at": r.CreatedAt, "version": r.Version,
		})
	} else if len(r.Damage) == 0 {
		_, err = fmt.Fprintf(out, "%s is intact: %d files of %s\n", file, r.Files(), r.CreatedAt.Local().Format(time.DateTime))
	} else {
		_, err = fmt.Fprintf(out, "%s is damaged:\n  %s\n", file, strings.Join(r.Damage, "\n  "))
	}
	if err == nil && len(r.Damage) > 0 {
		err = output.ErrFailed // the damage was printed
	}
	return err
}
