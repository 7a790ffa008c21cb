package backups

import "github.com/left4me/left4me/internal/left4me"

// restoreCommand is what root types on the host to restore a backup; without systemd
// it is left4me's user who does, and ends and starts serve in between.
func (p *Pages) restoreCommand(file string) string {
	restore := "left4me backup restore " + left4me.ShellWord(file) + " --force"
	if p.Units {
		return "systemctl stop left4me 'left4me-server@*'\n" + restore + "\nsystemctl start left4me"
	}
	return "left4me server stop --all --wait\n# end left4me serve\n" + restore + "\nleft4me serve"
}
