package backups

import (
	"net/http"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/backups"
	"github.com/left4me/left4me/internal/httpserver"
	"github.com/left4me/left4me/internal/left4me"
)

func (p *Pages) downloadBackup(w http.ResponseWriter, r *http.Request, who accounts.Actor, name left4me.Name) error {
	f, b, err := p.Backups.Open(r.Context(), name)
	if err != nil {
		return err
	}
	defer f.Close()
	p.Panel.Log.InfoContext(r.Context(), "backup downloaded", "backup", name, "by", who.Name)
	httpserver.Attachment(w, "application/zstd", backups.FileName(name))
	p.Panel.WhileSignedIn(w, r, who, func(r *http.Request) {
		httpserver.Content(w, r, b.CreatedAt, f, func(err error) {
			p.Panel.Log.ErrorContext(r.Context(), "download of a backup", "backup", name, "err", err)
		})
	})
	return nil
}
