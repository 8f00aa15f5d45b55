-- Who answered a call, and of whom nothing was heard while the other side spoke. Of calls before this nobody knows.
ALTER TABLE call_leg ADD COLUMN answered INTEGER NOT NULL DEFAULT 0 CHECK (answered IN (0, 1));
ALTER TABLE call_leg ADD COLUMN unheard INTEGER NOT NULL DEFAULT 0 CHECK (unheard IN (0, 1));
