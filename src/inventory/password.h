/* SPDX-License-Identifier: Apache-2.0
 *
 * Passwords and random secrets: what is allowed, how they are kept (domain.md section 17). */
#ifndef INVENTORY_PASSWORD_H
#define INVENTORY_PASSWORD_H

#include <stdbool.h>

#include "base/error.h"

enum {
    PASSWORD_BYTES_MIN = 12,
    PASSWORD_BYTES_MAX = 72,   /* bcrypt reads no further */
    PASSWORD_HASH_SIZE = 128,  /* crypto_pwhash_STRBYTES */
    PASSWORD_SECRET_SIZE = 44, /* 32 random bytes in base64url and the NUL */
    PASSWORD_TEMPORARY_SIZE = 20,
};

/* Characters that count as special: every printable ASCII character that is neither letter nor
 * digit. */
extern const char password_special[];

/* INV_VALIDATION names the first rule that is broken: 12 to 72 bytes of UTF-8 without control
 * characters, with a lower-case and an upper-case letter, a digit and a special character. */
DM_MUST_CHECK int password_check(const char *password, struct dm_err *e);

/* argon2id string with libsodium's interactive cost (2 passes over 64 MiB, some 50 ms).
 * DM_ENOMEM. */
DM_MUST_CHECK int password_hash(const char *password, char ret[static PASSWORD_HASH_SIZE],
                                struct dm_err *e);

/* Whether the password is the one of the stored string: argon2id, or a bcrypt hash that was
 * imported. *ret_stale: it is right but should be hashed anew. hash NULL takes as long as a real
 * one and never fits, so that time does not tell who has an account. */
bool password_fits(const char *hash, const char *password, bool *ret_stale);

/* Whether a string is a hash we can check: argon2id within our memory, or bcrypt of cost 4..14
 * (more would let one sign-in take minutes). */
bool password_hash_known(const char *hash);

/* 32 random bytes as text, for tokens; and a temporary password that obeys the rules. */
void password_secret(char ret[static PASSWORD_SECRET_SIZE]);
void password_temporary(char ret[static PASSWORD_TEMPORARY_SIZE]);

#endif
