package api

import (
	"context"
	"mime"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/control/backups"
	"github.com/left4me/left4me/internal/left4me"
)

// Backup is an archive of the database, the settings, the overlays' own files and
// what servers wrote.
type Backup struct {
	Name       left4me.Name        `json:"name"`
	CreatedAt  time.Time           `json:"created_at"`
	Scheduled  bool                `json:"scheduled" doc:"Made by the schedule, which removes it when it is old"`
	Bytes      int64               `json:"bytes" doc:"Of the archive"`
	Stored     int64               `json:"stored" doc:"Bytes of the files in it; 0 when it isn't known"`
	Files      int64               `json:"files"`
	SHA256     string              `json:"sha256" doc:"Of the archive; empty when it was never read"`
	Version    string              `json:"version" doc:"Of the left4me that made it"`
	State      left4me.BackupState `json:"state" enum:"verified,unchecked,damaged"`
	VerifiedAt time.Time           `json:"verified_at,omitzero"`
	Damage     []string            `json:"damage" doc:"What is wrong with it"`
	Warnings   []string            `json:"warnings" doc:"What could not be taken as it was"`
}

func backupOf(v left4me.Backup) Backup {
	b := Backup{
		Name: v.Name, CreatedAt: v.CreatedAt, Scheduled: v.Scheduled, Bytes: v.Bytes, Stored: v.Stored, Files: v.Files, SHA256: v.SHA256,
		Version: v.Version, State: v.State, VerifiedAt: v.VerifiedAt, Damage: v.Damage, Warnings: v.Warnings,
	}
	if b.Damage == nil {
		b.Damage = []string{}
	}
	if b.Warnings == nil {
		b.Warnings = []string{}
	}
	return b
}

func (a *api) listBackups(ctx context.Context, _ *none) ([]Backup, error) {
	found, err := a.Backups.List(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]Backup, len(found))
	for i, v := range found {
		all[i] = backupOf(v)
	}
	return all, nil
}

func (a *api) createBackup(ctx context.Context, _ *none) (Job, error) {
	v, err := a.Backups.Create(ctx, actorOf(ctx).Name)
	return jobOf(v), err
}

func (a *api) verifyBackup(ctx context.Context, in *ByName) (Job, error) {
	n, err := pathName(in.Name)
	if err != nil {
		return Job{}, err
	}
	v, err := a.Backups.Verify(ctx, actorOf(ctx).Name, n)
	return jobOf(v), err
}

// deleted says what is gone.
type deleted struct {
	Name left4me.Name `json:"name"`
}

func (a *api) deleteBackup(ctx context.Context, in *ByName) (deleted, error) {
	n, err := pathName(in.Name)
	if err != nil {
		return deleted{}, err
	}
	return deleted{n}, a.Backups.Delete(ctx, actorOf(ctx).Name, n)
}

// downloadBackup adds the request for an archive, which may be asked for in parts.
func (a *api) downloadBackup(h huma.API, path, id, summary string) {
	op := operation(h, http.MethodGet, path, id, accounts.Act, http.StatusOK, summary)
	op.Responses["200"] = &huma.Response{
		Description: "The archive, a tar compressed with zstd; it holds secrets",
		Content:     map[string]*huma.MediaType{"application/zstd": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}},
	}
	inParts(&op)
	huma.Register(h, op, func(ctx context.Context, in *ByName) (*huma.StreamResponse, error) {
		n, err := pathName(in.Name)
		if err != nil {
			return nil, problemOf(ctx, err)
		}
		f, v, err := a.Backups.Open(ctx, n)
		if err != nil {
			return nil, problemOf(ctx, err)
		}
		return &huma.StreamResponse{Body: func(hc huma.Context) {
			defer f.Close()
			r, w := humago.Unwrap(hc)
			w.Header().Set("Content-Type", "application/zstd")
			w.Header().Set("X-Accel-Buffering", "no") // as in attach
			w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": backups.FileName(n)}))
			a.whileLetIn(hc, func(context.Context) { http.ServeContent(w, r, "", v.CreatedAt, f) })
		}}, nil
	})
}

// BackupPolicy says when backups are made by themselves.
type BackupPolicy struct {
	Enabled bool   `json:"enabled"`
	At      string `json:"at" doc:"Local time of the host, like 04:30"`
	Daily   int    `json:"daily" doc:"Of how many of the last days with a backup the newest is kept"`
	Weekly  int    `json:"weekly" doc:"Of how many of the last weeks with a backup the newest is kept"`
}

func policyOf(v left4me.BackupPolicy) BackupPolicy {
	return BackupPolicy{Enabled: v.Enabled, At: v.At, Daily: v.Daily, Weekly: v.Weekly}
}

func (a *api) showBackupPolicy(ctx context.Context, _ *none) (BackupPolicy, error) {
	v, err := a.Backups.Policy(ctx)
	return policyOf(v), err
}

func (a *api) setBackupPolicy(ctx context.Context, in *struct{ Body BackupPolicy }) (BackupPolicy, error) {
	b := in.Body
	v := left4me.BackupPolicy{Enabled: b.Enabled, At: b.At, BackupKeep: left4me.BackupKeep{Daily: b.Daily, Weekly: b.Weekly}}
	return b, a.Backups.SetPolicy(ctx, actorOf(ctx).Name, v)
}
