/* SPDX-License-Identifier: Apache-2.0
 *
 * Between the files of accounts. */
#ifndef INVENTORY_USERS_PRIV_H
#define INVENTORY_USERS_PRIV_H

#include "inventory/users.h"

#define USER_COLUMNS                                                                               \
    "id, email, first_name, last_name, role, active, is_system, must_change_password,"             \
    " password_hash, identity_provider, terms_accepted_at, last_login_at, last_upload_at,"         \
    " locked_until, created_at, updated_at, preferences"
#define USER_COLS "ittttbbbttTTTTTTj"

/* A row of USER_COLUMNS. hash (NULL allowed) is borrowed from the row. */
void user_from_row(const struct store_value *row, struct user *ret, const char **ret_hash);

/* Address in lower case, in a. INV_VALIDATION. */
DM_MUST_CHECK int user_email_clean(const char *email, struct dm_arena *a, const char **ret,
                                   struct dm_err *e);
DM_MUST_CHECK int user_name_check(const char *name, struct dm_err *e);

/* Names and e-mail of somebody new; the cleaned address replaces the one given, in a.
 * INV_VALIDATION. */
DM_MUST_CHECK int user_new_check(struct user_new *n, struct dm_arena *a, struct dm_err *e);

/* The row of somebody new, checked before, with its audit row. INV_DUPLICATE_CODE. */
DM_MUST_CHECK int user_insert(struct store_tx *tx, const struct inv_ctx *c,
                              const struct user_new *n, const char *hash, int64_t *ret_id,
                              struct dm_err *e);

/* Refuse with INV_IN_USE when nobody else is an active admin; locks all admins first. */
DM_MUST_CHECK int user_keep_admin(struct store_tx *tx, int64_t leaving_id, struct dm_err *e);

/* Row by id, locked. INV_NOT_FOUND. */
DM_MUST_CHECK int user_lock(struct store_tx *tx, int64_t user_id, struct dm_arena *a,
                            struct user *ret, const char **ret_hash, struct dm_err *e);

DM_MUST_CHECK int user_store_hash(struct store_tx *tx, int64_t user_id, const char *hash,
                                  bool must_change, struct dm_err *e);
DM_MUST_CHECK int user_end_tokens(struct store_tx *tx, int64_t user_id, int64_t now_ms,
                                  struct dm_err *e);

#endif
