-- The shared list of malicious sources (docs/operator/sharing.md): what this node says, and what it hears of others.

-- The key that signs what we say; one, made when it is first needed.
CREATE TABLE list_identity (
  id          INTEGER PRIMARY KEY CHECK (id = 1),
  private_key BLOB    NOT NULL,  -- Sealed.
  made_at_ms  INTEGER NOT NULL
) STRICT;

-- How far each list has come, our own too: number and digest of its last entry, which outlive the entries themselves.
CREATE TABLE list_reporter (
  reporter BLOB    NOT NULL PRIMARY KEY CHECK (length (reporter) = 32),  -- Its public key.
  sequence INTEGER NOT NULL CHECK (sequence > 0),
  head     BLOB             CHECK (length (head) = 32),                  -- Null: the next one may have any history.
  heard_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What we say, for those who read it; append-only, old entries go from the front.
CREATE TABLE list_entry (
  sequence      INTEGER PRIMARY KEY CHECK (sequence > 0),
  entry         BLOB    NOT NULL,                             -- As it is signed.
  signature     BLOB    NOT NULL CHECK (length (signature) = 64),
  evidence      TEXT    NOT NULL,                             -- What the digest in the entry is of.
  expires_at_ms INTEGER NOT NULL
) STRICT;
CREATE TRIGGER list_entry_is_never_altered BEFORE UPDATE ON list_entry
BEGIN SELECT RAISE (ABORT, 'list_entry is append-only'); END;

-- What others say and is not over, one row of each reporter for a network.
CREATE TABLE list_report (
  reporter      BLOB    NOT NULL,
  network       TEXT    NOT NULL,
  heard_at_ms   INTEGER NOT NULL,
  expires_at_ms INTEGER NOT NULL,
  entry         BLOB    NOT NULL,  -- As it was signed, and so its own proof.
  signature     BLOB    NOT NULL CHECK (length (signature) = 64),
  PRIMARY KEY (reporter, network)
) STRICT, WITHOUT ROWID;

-- Networks out of files that a person has read in.
CREATE TABLE list_import (
  name           TEXT    NOT NULL,
  network        TEXT    NOT NULL,
  imported_at_ms INTEGER NOT NULL,
  expires_at_ms  INTEGER NOT NULL,
  PRIMARY KEY (name, network)
) STRICT, WITHOUT ROWID;
