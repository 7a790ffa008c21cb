-- +goose Up
-- When backups are made by themselves: one row, or none for what is usual.
CREATE TABLE backup_policy (
  id      INTEGER PRIMARY KEY CHECK (id = 1),
  enabled INTEGER NOT NULL,
  at      TEXT    NOT NULL,               -- 15:04, the local time of the host
  daily   INTEGER NOT NULL,
  weekly  INTEGER NOT NULL,
  last_at INTEGER NOT NULL                -- when the schedule last asked for one, or began
) STRICT;
