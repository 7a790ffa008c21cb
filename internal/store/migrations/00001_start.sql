-- +goose Up
CREATE TABLE user (
  id         INTEGER PRIMARY KEY,
  name       TEXT    NOT NULL UNIQUE COLLATE NOCASE,
  password   TEXT    NOT NULL,            -- argon2id in PHC form
  admin      INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL             -- all times: milliseconds since 1970, UTC
) STRICT;

CREATE TABLE session (
  hash       BLOB    PRIMARY KEY,         -- keyed hash of the cookie
  user_id    INTEGER NOT NULL REFERENCES user(id) ON DELETE CASCADE,
  agent      TEXT    NOT NULL,
  address    TEXT    NOT NULL,
  created_at INTEGER NOT NULL,
  seen_at    INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX session_user ON session(user_id);

CREATE TABLE token (
  hash       BLOB    PRIMARY KEY,         -- keyed hash of the token
  user_id    INTEGER NOT NULL REFERENCES user(id) ON DELETE CASCADE,
  label      TEXT    NOT NULL,
  created_at INTEGER NOT NULL,
  used_at    INTEGER,
  expires_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX token_user ON token(user_id);

CREATE TABLE blueprint (
  name       TEXT    PRIMARY KEY,
  overlays   TEXT    NOT NULL,            -- JSON array, top of the stack first
  settings   TEXT    NOT NULL,            -- JSON
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO blueprint(name, overlays, settings, created_at)
VALUES ('default', '[]', '{}', unixepoch() * 1000);

CREATE TABLE server (
  name       TEXT    PRIMARY KEY,
  host       TEXT    NOT NULL,
  port       INTEGER NOT NULL,
  blueprint  TEXT    NOT NULL REFERENCES blueprint(name),
  settings   TEXT    NOT NULL,            -- JSON
  created_at INTEGER NOT NULL,
  UNIQUE (host, port)
) STRICT, WITHOUT ROWID;

CREATE TABLE job (
  id         TEXT    PRIMARY KEY,
  kind       TEXT    NOT NULL,
  noun       TEXT    NOT NULL,            -- of the kind; one job runs per noun and target
  target     TEXT    NOT NULL,
  host       TEXT    NOT NULL,
  state      TEXT    NOT NULL,
  spec       TEXT    NOT NULL,            -- JSON, payload for the host
  steps      TEXT    NOT NULL,            -- JSON
  error      TEXT,                        -- JSON
  asked_by   TEXT    NOT NULL,
  attempt    INTEGER NOT NULL DEFAULT 0,
  cancelling INTEGER NOT NULL DEFAULT 0,  -- its cancellation was requested
  created_at INTEGER NOT NULL,
  started_at INTEGER,
  ended_at   INTEGER
) STRICT, WITHOUT ROWID;
-- At most one job runs per target.
CREATE UNIQUE INDEX job_running ON job(noun, target) WHERE state = 'running';
CREATE INDEX job_active ON job(noun, target, id) WHERE state IN ('queued', 'running');
CREATE INDEX job_target ON job(noun, target, id);

CREATE TABLE crash (
  id     INTEGER PRIMARY KEY,
  host   TEXT    NOT NULL,
  server TEXT    NOT NULL,
  at     INTEGER NOT NULL,
  exit   TEXT    NOT NULL,
  uptime INTEGER NOT NULL,                -- milliseconds
  lines  TEXT    NOT NULL,                -- JSON array, last lines of output
  UNIQUE (host, server, at)
) STRICT;
