-- +goose Up
-- Identity of this left4me, which is also stored with its data outside the database.
CREATE TABLE site (id TEXT NOT NULL) STRICT;
INSERT INTO site VALUES (lower(hex(randomblob(16))));
