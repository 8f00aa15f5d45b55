-- The schema that all migrations together make; a test compares. Never edited by hand.

CREATE TRIGGER audit_is_never_altered BEFORE UPDATE ON audit
BEGIN SELECT RAISE (ABORT, 'audit is append-only'); END;

CREATE TRIGGER audit_is_never_deleted BEFORE DELETE ON audit
BEGIN SELECT RAISE (ABORT, 'audit is append-only'); END;

CREATE TRIGGER list_entry_is_never_altered BEFORE UPDATE ON list_entry
BEGIN SELECT RAISE (ABORT, 'list_entry is append-only'); END;

CREATE TABLE alert (
  tenant_id        INTEGER NOT NULL,
  alert_key        TEXT    NOT NULL,
  kind             TEXT    NOT NULL,
  severity         TEXT    NOT NULL,
  raised_at_ms     INTEGER NOT NULL,
  facts            TEXT    NOT NULL CHECK (json_valid (facts)),  -- [["name","value"], …] in order.
  addressed_at_ms  INTEGER,                                      -- Null: not yet in the outbox.
  recipient_count  INTEGER,                                      -- 0: nobody to tell.
  PRIMARY KEY (tenant_id, alert_key)
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (
  tenant_id INTEGER NOT NULL,
  sequence  INTEGER NOT NULL CHECK (sequence > 0),
  at_ms     INTEGER NOT NULL,
  actor     TEXT    NOT NULL,
  action    TEXT    NOT NULL,
  subject   TEXT    NOT NULL,
  detail    BLOB    NOT NULL,  -- Sealed text.
  hash      BLOB    NOT NULL CHECK (length (hash) = 32),
  PRIMARY KEY (tenant_id, sequence)
) STRICT, WITHOUT ROWID;

CREATE TABLE audit_head (
  tenant_id INTEGER NOT NULL PRIMARY KEY,
  sequence  INTEGER NOT NULL,
  hash      BLOB    NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE binding (
  tenant_id        INTEGER NOT NULL,
  extension_id     INTEGER NOT NULL,
  binding_key      TEXT    NOT NULL,  -- The contact, or the phone's instance and its flow.
  contact          TEXT    NOT NULL,
  transport        TEXT    NOT NULL,
  local_address    TEXT    NOT NULL,
  remote_address   TEXT    NOT NULL,
  user_agent       TEXT    NOT NULL,
  registered_at_ms INTEGER NOT NULL,
  expires_at_ms    INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, extension_id, binding_key),
  UNIQUE (extension_id, binding_key)
) STRICT, WITHOUT ROWID;

CREATE TABLE call_leg (
  tenant_id        INTEGER NOT NULL,
  started_at_ms    INTEGER NOT NULL,
  call_id          INTEGER NOT NULL,
  leg              INTEGER NOT NULL,  -- 0 is the caller.
  side             TEXT    NOT NULL,
  extension_id     INTEGER,
  trunk_id         INTEGER,
  address          TEXT,
  user_agent       TEXT    NOT NULL,
  codecs           TEXT    NOT NULL,  -- Comma-separated, audio first.
  packets_received INTEGER,           -- These five are null where media was never measured.
  packets_lost     INTEGER,
  jitter_us        INTEGER,
  round_trip_us    INTEGER,
  mos_milli        INTEGER, answered INTEGER NOT NULL DEFAULT 0 CHECK (answered IN (0, 1)), unheard INTEGER NOT NULL DEFAULT 0 CHECK (unheard IN (0, 1)),
  PRIMARY KEY (tenant_id, started_at_ms, call_id, leg),
  FOREIGN KEY (tenant_id, started_at_ms, call_id) REFERENCES call_record ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE call_record (
  tenant_id         INTEGER NOT NULL,  -- 0: refused before anybody was recognised.
  started_at_ms     INTEGER NOT NULL,
  call_id           INTEGER NOT NULL,
  direction         TEXT    NOT NULL,
  ringing_at_ms     INTEGER,
  answered_at_ms    INTEGER,
  ended_at_ms       INTEGER NOT NULL,
  last_media_at_ms  INTEGER,
  cause             TEXT    NOT NULL,
  ended_by          TEXT    NOT NULL,
  status            INTEGER NOT NULL,
  caller            TEXT    NOT NULL,
  shown             TEXT    NOT NULL,
  dialled           TEXT    NOT NULL,
  normalised        TEXT    NOT NULL,
  forwarded_by      INTEGER,
  destination_class TEXT    NOT NULL,
  country           TEXT    NOT NULL,
  payer_id          INTEGER,
  trunk_id          INTEGER,
  attempts          INTEGER NOT NULL,
  hold_id           INTEGER,
  sell_micros       INTEGER,
  sell_currency     TEXT,
  purchase_micros   INTEGER,
  purchase_currency TEXT,
  slices            INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, started_at_ms, call_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE configuration (
  revision      INTEGER PRIMARY KEY,
  applied_at_ms INTEGER NOT NULL,
  applied_by    TEXT    NOT NULL,
  document      BLOB    NOT NULL  -- JSON, sealed.
) STRICT;

CREATE TABLE extension_seen (
  tenant_id           INTEGER NOT NULL,
  extension_id        INTEGER NOT NULL,
  registered_until_ms INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, extension_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE journal_position (
  stream   TEXT    NOT NULL PRIMARY KEY,  -- "records" and "bindings" go at their own pace.
  journal  INTEGER NOT NULL,              -- Identity of the journal.
  sequence INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE key_check (
  key_id INTEGER PRIMARY KEY,
  sealed BLOB NOT NULL
) STRICT;

CREATE TABLE list_entry (
  sequence      INTEGER PRIMARY KEY CHECK (sequence > 0),
  entry         BLOB    NOT NULL,                             -- As it is signed.
  signature     BLOB    NOT NULL CHECK (length (signature) = 64),
  evidence      TEXT    NOT NULL,                             -- What the digest in the entry is of.
  expires_at_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE list_identity (
  id          INTEGER PRIMARY KEY CHECK (id = 1),
  private_key BLOB    NOT NULL,  -- Sealed.
  made_at_ms  INTEGER NOT NULL
) STRICT;

CREATE TABLE list_import (
  name           TEXT    NOT NULL,
  network        TEXT    NOT NULL,
  imported_at_ms INTEGER NOT NULL,
  expires_at_ms  INTEGER NOT NULL,
  PRIMARY KEY (name, network)
) STRICT, WITHOUT ROWID;

CREATE TABLE list_report (
  reporter      BLOB    NOT NULL,
  network       TEXT    NOT NULL,
  heard_at_ms   INTEGER NOT NULL,
  expires_at_ms INTEGER NOT NULL,
  entry         BLOB    NOT NULL,  -- As it was signed, and so its own proof.
  signature     BLOB    NOT NULL CHECK (length (signature) = 64),
  PRIMARY KEY (reporter, network)
) STRICT, WITHOUT ROWID;

CREATE TABLE list_reporter (
  reporter BLOB    NOT NULL PRIMARY KEY CHECK (length (reporter) = 32),  -- Its public key.
  sequence INTEGER NOT NULL CHECK (sequence > 0),
  head     BLOB             CHECK (length (head) = 32),                  -- Null: the next one may have any history.
  heard_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE outbox (
  tenant_id          INTEGER NOT NULL,
  alert_key          TEXT    NOT NULL,
  channel            TEXT    NOT NULL CHECK (channel IN ('mail', 'webhook')),
  recipient          TEXT    NOT NULL,
  attempts           INTEGER NOT NULL DEFAULT 0,
  next_try_at_ms     INTEGER NOT NULL,
  last_error         TEXT,
  escalated_at_ms    INTEGER,  -- When its age was reported to the operator's log.
  acknowledged_at_ms INTEGER,
  PRIMARY KEY (tenant_id, alert_key, channel, recipient),
  FOREIGN KEY (tenant_id, alert_key) REFERENCES alert ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE payment (
  tenant_id     INTEGER NOT NULL,
  account_id    INTEGER NOT NULL,  -- 0: the tenant as a whole.
  taken_back    INTEGER NOT NULL CHECK (taken_back IN (0, 1)),
  reference     TEXT    NOT NULL,
  amount        TEXT    NOT NULL,  -- With its currency, for people.
  ordered_at_ms INTEGER NOT NULL, booked INTEGER NOT NULL DEFAULT 1 CHECK (booked IN (0, 1)),
  PRIMARY KEY (tenant_id, account_id, taken_back, reference)
) STRICT, WITHOUT ROWID;

CREATE TABLE rate_deck (
  name           TEXT    NOT NULL PRIMARY KEY,
  sha256         BLOB    NOT NULL,
  imported_at_ms INTEGER NOT NULL,
  csv            BLOB    NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE subject (
  tenant_id     INTEGER NOT NULL,
  kind          TEXT    NOT NULL,  -- "tenant", "extension", "trunk".
  name          TEXT    NOT NULL,
  number        INTEGER NOT NULL CHECK (number > 0),
  made_at_ms    INTEGER NOT NULL,
  removed_at_ms INTEGER,           -- Null while it stands in the configuration.
  PRIMARY KEY (tenant_id, kind, name),
  UNIQUE (kind, number)
) STRICT, WITHOUT ROWID;

CREATE INDEX alert_to_address ON alert (raised_at_ms) WHERE addressed_at_ms IS NULL;

CREATE INDEX outbox_due ON outbox (next_try_at_ms) WHERE acknowledged_at_ms IS NULL;
