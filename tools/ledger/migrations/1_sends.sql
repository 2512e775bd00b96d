CREATE TABLE twilio_proxy_mcp_ledger (version bigint NOT NULL, digest_key {blob} NOT NULL);

-- content, listed and idem are keyed digests. The unique indexes allow one entry that still counts for each key, one unresolved
-- entry without a key for each content, and one entry for each interaction. Most indexes are partial, because each index that
-- a claim or a settlement touches is one more page to write.
CREATE TABLE twilio_proxy_mcp_sends (
	id {id},
	claim text NOT NULL,
	owner text NOT NULL,
	account text NOT NULL,
	host text NOT NULL,
	service text NOT NULL,
	session text NOT NULL,
	participant text NOT NULL,
	content {blob} NOT NULL,
	listed {blob} NOT NULL,
	idem {blob},
	state text NOT NULL CHECK (state IN ('claimed', 'sent', 'refused', 'not_sent', 'unknown')),
	begun bigint NOT NULL,
	settled bigint,
	upstream_begun bigint,
	sid text,
	receipt text,
	code text,
	request_id text
);
CREATE UNIQUE INDEX twilio_proxy_mcp_one_keyless ON twilio_proxy_mcp_sends (content)
	WHERE idem IS NULL AND state IN ('claimed', 'unknown');
CREATE UNIQUE INDEX twilio_proxy_mcp_one_keyed ON twilio_proxy_mcp_sends (idem)
	WHERE idem IS NOT NULL AND state IN ('claimed', 'unknown', 'sent');
CREATE UNIQUE INDEX twilio_proxy_mcp_one_sid ON twilio_proxy_mcp_sends (sid) WHERE sid IS NOT NULL;
CREATE INDEX twilio_proxy_mcp_content ON twilio_proxy_mcp_sends (content);
CREATE INDEX twilio_proxy_mcp_idem ON twilio_proxy_mcp_sends (idem, id) WHERE idem IS NOT NULL;
CREATE INDEX twilio_proxy_mcp_begun ON twilio_proxy_mcp_sends (begun);
CREATE INDEX twilio_proxy_mcp_unresolved ON twilio_proxy_mcp_sends (listed) WHERE state IN ('claimed', 'unknown');
CREATE INDEX twilio_proxy_mcp_nameless ON twilio_proxy_mcp_sends (listed) WHERE state = 'sent' AND sid IS NULL;
