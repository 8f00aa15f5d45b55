-- Until when an extension was registered that is not any more, so that an audit finds those whom nobody uses. Of the time
-- before this nobody knows: who was there then counts as seen now.
CREATE TABLE extension_seen (
  tenant_id           INTEGER NOT NULL,
  extension_id        INTEGER NOT NULL,
  registered_until_ms INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, extension_id)
) STRICT, WITHOUT ROWID;
INSERT INTO extension_seen (tenant_id, extension_id, registered_until_ms)
SELECT tenant_id, number, CAST(strftime('%s', 'now') AS INTEGER) * 1000 FROM subject WHERE kind = 'extension';
