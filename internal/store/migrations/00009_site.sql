-- +goose Up
-- Who this left4me is: what it keeps outside of the database names it.
CREATE TABLE site (id TEXT NOT NULL) STRICT;
INSERT INTO site VALUES (lower(hex(randomblob(16))));
