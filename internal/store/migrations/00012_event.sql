-- +goose Up
-- What has happened, each written in the transaction of its change. AUTOINCREMENT:
-- a position is never used again, also when the newest events were removed.
CREATE TABLE event (
  position    INTEGER PRIMARY KEY AUTOINCREMENT,
  kind        TEXT    NOT NULL,
  target_kind TEXT    NOT NULL,
  target_id   TEXT    NOT NULL,            -- empty: only the name is known
  target_name TEXT    NOT NULL,
  actor_kind  TEXT    NOT NULL,
  actor_name  TEXT    NOT NULL,
  at          INTEGER NOT NULL,
  version     INTEGER NOT NULL,            -- of the form of data
  data        TEXT    NOT NULL             -- JSON object
) STRICT;

-- How far each reader has come, written in the transaction of what it did.
CREATE TABLE event_reader (
  name     TEXT    PRIMARY KEY,
  position INTEGER NOT NULL                -- of the last event that it is done with
) STRICT, WITHOUT ROWID;

-- What hosts reported last, so that another value makes an event once.
CREATE TABLE host_report (
  host  TEXT    NOT NULL,
  noun  TEXT    NOT NULL,                  -- server: its state; overlay: its revision; game: its build
  name  TEXT    NOT NULL,                  -- of the server or overlay; empty for the game
  value TEXT    NOT NULL,
  at    INTEGER NOT NULL,
  PRIMARY KEY (host, noun, name)
) STRICT, WITHOUT ROWID;
