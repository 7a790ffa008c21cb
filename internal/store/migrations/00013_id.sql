-- +goose Up
-- Names can be reused, so each server, blueprint, overlay and user also gets an id that is never
-- reused. Ids of existing rows sort before all later ones.
ALTER TABLE server    ADD COLUMN id TEXT NOT NULL DEFAULT '';
ALTER TABLE blueprint ADD COLUMN id TEXT NOT NULL DEFAULT '';
ALTER TABLE overlay   ADD COLUMN id TEXT NOT NULL DEFAULT '';
UPDATE server    SET id = '0000' || lower(hex(randomblob(10)));
UPDATE blueprint SET id = '0000' || lower(hex(randomblob(10)));
UPDATE overlay   SET id = '0000' || lower(hex(randomblob(10)));
CREATE UNIQUE INDEX server_id    ON server(id);
CREATE UNIQUE INDEX blueprint_id ON blueprint(id);
CREATE UNIQUE INDEX overlay_id   ON overlay(id);

-- The numbers of deleted users were reused. The new ones have 52 random bits, which JSON represents exactly.
PRAGMA defer_foreign_keys = ON;
CREATE TABLE user_number (old INTEGER PRIMARY KEY, new INTEGER NOT NULL) STRICT;
INSERT INTO user_number SELECT id, 4294967296 + ((random() >> 12) & 4503599627370495) FROM user;
UPDATE session SET user_id = (SELECT new FROM user_number WHERE old = user_id);
UPDATE token   SET user_id = (SELECT new FROM user_number WHERE old = user_id);
UPDATE user    SET id      = (SELECT new FROM user_number WHERE old = id);
DROP TABLE user_number;

-- Ids of the target and the requester of a job; empty if they were deleted before.
ALTER TABLE job ADD COLUMN target_id   TEXT NOT NULL DEFAULT '';
ALTER TABLE job ADD COLUMN asked_by_id TEXT NOT NULL DEFAULT '';
UPDATE job SET target_id = coalesce((SELECT id FROM server WHERE name = target
  AND (job.created_at >= server.created_at OR state IN ('queued', 'running'))), '') WHERE noun = 'server';
UPDATE job SET target_id = coalesce((SELECT id FROM overlay WHERE name = target
  AND (job.created_at >= overlay.created_at OR state IN ('queued', 'running'))), '') WHERE noun = 'overlay';
UPDATE job SET asked_by_id = coalesce((SELECT CAST(id AS TEXT) FROM user WHERE name = asked_by AND job.created_at >= user.created_at), '');
CREATE INDEX job_target_id ON job(target_id, id) WHERE target_id <> '';

ALTER TABLE crash ADD COLUMN server_id TEXT NOT NULL DEFAULT '';
UPDATE crash SET server_id = coalesce((SELECT id FROM server WHERE name = crash.server), '');
CREATE UNIQUE INDEX crash_server_id ON crash(server_id, host, at) WHERE server_id <> '';

ALTER TABLE host_report ADD COLUMN target_id TEXT NOT NULL DEFAULT '';
UPDATE host_report SET target_id = coalesce((SELECT id FROM server  WHERE server.name  = host_report.name), '') WHERE noun = 'server';
UPDATE host_report SET target_id = coalesce((SELECT id FROM overlay WHERE overlay.name = host_report.name), '') WHERE noun = 'overlay';

ALTER TABLE event ADD COLUMN actor_id TEXT NOT NULL DEFAULT '';
