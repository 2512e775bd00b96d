-- mark is what a SQLite file and the mark beside it have in common; it is NULL while there is no mark. losses has a line for each
-- time that a person went on without lost entries.
ALTER TABLE twilio_proxy_mcp_ledger ADD COLUMN mark text;
ALTER TABLE twilio_proxy_mcp_ledger ADD COLUMN losses text NOT NULL DEFAULT '';
