package backups

import (
	"context"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/locale"
)

// restoreCommand returns the commands that restore a backup on the host. With systemd, root runs them;
// without, left4me's own user does, and has to stop and start serve.
func (p *Pages) restoreCommand(ctx context.Context, file string) string {
	restore := "left4me backup restore " + left4me.ShellWord(file) + " --force"
	if p.Units {
		return "systemctl stop left4me 'left4me-server@*'\n" + restore + "\nsystemctl start left4me"
	}
	stop := locale.T(ctx, "backups.restore.stop")
	return "left4me server stop --all --wait\n# " + stop + "\n" + restore + "\nleft4me serve"
}
