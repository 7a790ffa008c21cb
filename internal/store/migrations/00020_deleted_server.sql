-- +goose Up
-- Servers that were deleted and can be restored, and servers that were read from a backup. Their names and
-- ports are free for others. The host keeps their files under a name made of the id.
CREATE TABLE deleted_server (
  id         TEXT PRIMARY KEY,
  name       TEXT NOT NULL,
  host       TEXT NOT NULL,
  definition TEXT NOT NULL,             -- the row of the server as JSON
  bytes      INTEGER NOT NULL,          -- disk space of its files
  deleted_at INTEGER NOT NULL,
  gone_at    INTEGER NOT NULL,          -- its files are removed after this time
  backup     TEXT NOT NULL DEFAULT '',  -- the backup that it was read from
  next       TEXT NOT NULL DEFAULT '',  -- what follows automatically: left4me.AfterDeletion
  asked_by TEXT NOT NULL, asked_by_id TEXT NOT NULL, asked_kind TEXT NOT NULL, asked_token TEXT NOT NULL
) STRICT;
