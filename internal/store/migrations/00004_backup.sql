-- +goose Up
-- Schedule of backups: one row, or none for the default.
CREATE TABLE backup_policy (
  id      INTEGER PRIMARY KEY CHECK (id = 1),
  enabled INTEGER NOT NULL,
  at      TEXT    NOT NULL,               -- HH:MM in the host's time zone
  daily   INTEGER NOT NULL,
  weekly  INTEGER NOT NULL,
  last_at INTEGER NOT NULL                -- when the schedule last added a backup, or started
) STRICT;
