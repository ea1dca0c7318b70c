-- SPDX-License-Identifier: Apache-2.0
-- Tokens of scripts, links and tickets that work once, requests that are being answered.
CREATE TABLE api_tokens (
    {id},
    {fk:user_id|users|ON DELETE CASCADE} NOT NULL,
    {text:name|100} NOT NULL,
    {text:hint|12} NOT NULL,
    {text:token_hash|64} NOT NULL UNIQUE,
    {json:scopes} NOT NULL,
    {ts:expires_at},
    {ts:last_used_at},
    {ts:revoked_at},
    {times},
    {chars:token_hash|0-9a-f|64}
);
{index:api_tokens|user_id};

-- A row is deleted when it is used.
CREATE TABLE one_time_tokens (
    {id},
    {enum:purpose|'setup', 'invite', 'ticket'} NOT NULL,
    {fk:user_id|users|ON DELETE CASCADE},
    {text:token_hash|64} NOT NULL UNIQUE,
    {text:path|512},
    {ts:expires_at} NOT NULL,
    {created},
    {chars:token_hash|0-9a-f|64},
    {check:whose|(purpose = 'setup') = (user_id IS NULL)},
    {check:path|(purpose = 'ticket') = (path IS NOT NULL)}
);
{index:one_time_tokens|user_id};

-- Requests with an Idempotency-Key whose answer is not known yet; kept answers are in
-- idempotency_keys, which is append-only.
CREATE TABLE idempotency_running (
    {uuid:key} NOT NULL,
    {fk:user_id|users} NOT NULL,
    {text:request_sha256|64} NOT NULL,
    {created},
    PRIMARY KEY (key, user_id)
);
{index:idempotency_running|user_id};
