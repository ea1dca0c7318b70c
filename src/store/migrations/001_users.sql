-- SPDX-License-Identifier: Apache-2.0
-- People and settings. The tokens are explained in src/store/dialect.h.
CREATE TABLE users (
    {id},
    {text:email|255} NOT NULL UNIQUE,
    {text:password_hash|255},
    {text:identity_provider|50},
    {text:identity_subject|255},
    {text:first_name|100} NOT NULL,
    {text:last_name|100} NOT NULL,
    {enum:role|'admin', 'supervisor', 'worker', 'viewer'} NOT NULL DEFAULT 'worker',
    {bool:active} NOT NULL DEFAULT {true},
    {bool:is_system} NOT NULL DEFAULT {false},
    {bool:must_change_password} NOT NULL DEFAULT {false},
    {int:failed_login_count} NOT NULL DEFAULT 0,
    {ts:locked_until},
    {ts:last_login_at},
    {ts:last_upload_at},
    {ts:terms_accepted_at},
    {times},
    {check:email_form|email = lower(email) AND email LIKE '%_@_%' AND email NOT LIKE '% %'},
    {check:identity|(identity_provider IS NULL) = (identity_subject IS NULL)},
    {check:sign_in|password_hash IS NOT NULL OR identity_provider IS NOT NULL OR is_system},
    {check:failed_login_count|failed_login_count >= 0},
    UNIQUE (identity_provider, identity_subject)
);
CREATE UNIQUE INDEX users_is_system_key ON users (is_system) WHERE is_system;

CREATE TABLE refresh_tokens (
    {id},
    {fk:user_id|users|ON DELETE CASCADE} NOT NULL,
    {text:token_hash|64} NOT NULL UNIQUE,
    {ts:expires_at} NOT NULL,
    {ts:revoked_at},
    {fk:replaced_by_id|refresh_tokens},
    {times}
);
{index:refresh_tokens|user_id};
{index:refresh_tokens|replaced_by_id};

CREATE TABLE app_settings (
    {text:key|100} NOT NULL PRIMARY KEY,
    {json:value} NOT NULL,
    {fk:updated_by_user_id|users},
    {times}
);
{index:app_settings|updated_by_user_id};
