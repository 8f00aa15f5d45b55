-- Payments that were ordered, so that a number of a payment counts once, however often it is sent. A row
-- is gone again when the switch refused; the ledger alone has the money.
CREATE TABLE payment (
  tenant_id     INTEGER NOT NULL,
  account_id    INTEGER NOT NULL,  -- 0: the tenant as a whole.
  taken_back    INTEGER NOT NULL CHECK (taken_back IN (0, 1)),
  reference     TEXT    NOT NULL,
  amount        TEXT    NOT NULL,  -- With its currency, for people.
  ordered_at_ms INTEGER NOT NULL,
  PRIMARY KEY (tenant_id, account_id, taken_back, reference)
) STRICT, WITHOUT ROWID;
