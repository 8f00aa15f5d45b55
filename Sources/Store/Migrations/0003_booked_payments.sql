-- Whether the ledger has a payment, as the journal says: an order that a crash cut short can then be carried out
-- when it is sent again. Of orders before this nobody knows, so that they count as carried out.
ALTER TABLE payment ADD COLUMN booked INTEGER NOT NULL DEFAULT 1 CHECK (booked IN (0, 1));
