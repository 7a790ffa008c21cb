-- +goose Up
-- Events, each written in the transaction of its change. AUTOINCREMENT prevents the reuse of
-- positions, even if the newest events were removed.
CREATE TABLE event (
  position    INTEGER PRIMARY KEY AUTOINCREMENT,
  kind        TEXT    NOT NULL,
  target_kind TEXT    NOT NULL,
  target_id   TEXT    NOT NULL,            -- empty if only the name is known
  target_name TEXT    NOT NULL,
  actor_kind  TEXT    NOT NULL,
  actor_name  TEXT    NOT NULL,
  at          INTEGER NOT NULL,
  version     INTEGER NOT NULL,            -- version of the format of data
  data        TEXT    NOT NULL             -- JSON object
) STRICT;

-- Positions of readers, each written in the transaction that handled the events.
CREATE TABLE event_reader (
  name     TEXT    PRIMARY KEY,
  position INTEGER NOT NULL                -- of the last event that was handled
) STRICT, WITHOUT ROWID;

-- Last reports of hosts, so that each changed value writes one event.
CREATE TABLE host_report (
  host  TEXT    NOT NULL,
  noun  TEXT    NOT NULL,                  -- server: its state; overlay: its revision; game: its build
  name  TEXT    NOT NULL,                  -- of the server or overlay; empty for the game
  value TEXT    NOT NULL,
  at    INTEGER NOT NULL,
  PRIMARY KEY (host, noun, name)
) STRICT, WITHOUT ROWID;
