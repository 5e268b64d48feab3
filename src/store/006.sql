-- Version 6. What an administrator set in the console of an embedded app, and what is rehearsed there.

CREATE TABLE embedded_settings (
  job      TEXT PRIMARY KEY,
  settings TEXT NOT NULL                     -- JSON; tokens as fingerprints
) STRICT, WITHOUT ROWID;

CREATE TABLE embedded_rehearsal (
  job      TEXT NOT NULL,
  id       TEXT NOT NULL,
  resource TEXT,                             -- as it would be, JSON; NULL: it would be gone
  PRIMARY KEY (job, id)
) STRICT;
