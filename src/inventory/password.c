/* SPDX-License-Identifier: Apache-2.0
 *
 * argon2id by libsodium; bcrypt, for hashes that other programs made, by libcrypt. */
#include "inventory/password.h"

#include <crypt.h>
#include <sodium.h>
#include <string.h>

#include "base/alloc.h"
#include "base/macros.h"
#include "inventory/inventory.h"

_Static_assert(PASSWORD_HASH_SIZE == crypto_pwhash_STRBYTES, "the string of libsodium");

const char password_special[] = " !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

static bool in_range(char c, char low, char high)
{
    return c >= low && c <= high;
}

static bool any_in(const char *s, char low, char high)
{
    for (; *s; s++) {
        if (in_range(*s, low, high)) {
            return true;
        }
    }
    return false;
}

int password_check(const char *password, struct dm_err *e)
{
    const size_t n = strlen(password);
    if (n < PASSWORD_BYTES_MIN || n > PASSWORD_BYTES_MAX) {
        DM_FAIL(e, INV_VALIDATION, "a password has %d to %d bytes", PASSWORD_BYTES_MIN,
                PASSWORD_BYTES_MAX);
    }
    for (const char *s = password; *s; s++) {
        if ((unsigned char)*s < 0x20 || *s == 0x7f) {
            DM_FAIL(e, INV_VALIDATION, "a password has no control characters");
        }
    }
    const struct {
        bool there;
        const char *what;
    } rules[] = {
        {any_in(password, 'a', 'z'), "a lower-case letter"},
        {any_in(password, 'A', 'Z'), "an upper-case letter"},
        {any_in(password, '0', '9'), "a digit"},
        {strpbrk(password, password_special) != NULL, "a special character"},
    };
    for (size_t i = 0; i < DM_COUNT(rules); i++) {
        if (!rules[i].there) {
            DM_FAIL(e, INV_VALIDATION, "a password needs %s", rules[i].what);
        }
    }
    return DM_OK;
}

int password_hash(const char *password, char ret[static PASSWORD_HASH_SIZE], struct dm_err *e)
{
    if (sodium_init() < 0 ||
        crypto_pwhash_str_alg(ret, password, strlen(password), crypto_pwhash_OPSLIMIT_INTERACTIVE,
                              crypto_pwhash_MEMLIMIT_INTERACTIVE,
                              crypto_pwhash_ALG_ARGON2ID13) != 0) {
        DM_FAIL(e, DM_ENOMEM, "no memory for hashing a password");
    }
    return DM_OK;
}

/* "$2b$12$" and 53 characters. */
static bool is_bcrypt(const char *hash)
{
    if (strlen(hash) != 60 || hash[0] != '$' || hash[1] != '2' || !strchr("aby", hash[2]) ||
        hash[3] != '$' || !in_range(hash[4], '0', '9') || !in_range(hash[5], '0', '9') ||
        hash[6] != '$') {
        return false;
    }
    const int cost = (hash[4] - '0') * 10 + (hash[5] - '0');
    return cost >= 4 && cost <= 14;
}

static bool is_argon2id(const char *hash)
{
    return strncmp(hash, "$argon2id$", 10) == 0 && strlen(hash) < PASSWORD_HASH_SIZE;
}

bool password_hash_known(const char *hash)
{
    return is_bcrypt(hash) || is_argon2id(hash);
}

static bool bcrypt_fits(const char *hash, const char *password)
{
    struct crypt_data *work = dm_calloc(1, sizeof(*work));
    if (!work) {
        return false;
    }
    /* not crypt_r: AddressSanitizer has one of its own, which keeps libcrypt from being linked */
    const char *made = crypt_rn(password, hash, work, (int)sizeof(*work));
    const size_t n = strlen(hash);
    const bool fits = made && strlen(made) == n && sodium_memcmp(made, hash, n) == 0;
    sodium_memzero(work, sizeof(*work));
    dm_free(work);
    return fits;
}

bool password_fits(const char *hash, const char *password, bool *ret_stale)
{
    /* Of no password: the salt and digest are zero bytes. Same cost as those of password_hash. */
    static const char nobody[] = "$argon2id$v=19$m=65536,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$"
                                 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    *ret_stale = false;
    if (sodium_init() < 0 || strlen(password) > PASSWORD_BYTES_MAX) {
        return false;
    }
    if (hash && is_bcrypt(hash)) {
        *ret_stale = bcrypt_fits(hash, password);
        return *ret_stale;
    }
    const bool known = hash && is_argon2id(hash);
    char text[PASSWORD_HASH_SIZE] = {0}; /* libsodium reads the whole array */
    (void)snprintf(text, sizeof(text), "%s", known ? hash : nobody);
    const bool fits = crypto_pwhash_str_verify(text, password, strlen(password)) == 0 && known;
    if (fits) {
        *ret_stale = crypto_pwhash_str_needs_rehash(text, crypto_pwhash_OPSLIMIT_INTERACTIVE,
                                                    crypto_pwhash_MEMLIMIT_INTERACTIVE) != 0;
    }
    return fits;
}

void password_secret(char ret[static PASSWORD_SECRET_SIZE])
{
    unsigned char bytes[32];
    DM_BUG_UNLESS(sodium_init() >= 0);
    randombytes_buf(bytes, sizeof(bytes));
    (void)sodium_bin2base64(ret, PASSWORD_SECRET_SIZE, bytes, sizeof(bytes),
                            sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    sodium_memzero(bytes, sizeof(bytes));
}

/* Letters and digits that nobody confuses when they are dictated, in three groups; the first group
 * begins with one of each kind, so that every rule holds. About 80 bits. */
void password_temporary(char ret[static PASSWORD_TEMPORARY_SIZE])
{
    static const char upper[] = "ABCDEFGHJKLMNPQRSTUVWXYZ";
    static const char lower[] = "abcdefghijkmnpqrstuvwxyz";
    static const char digit[] = "23456789";
    static const char all[] = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789";
    DM_BUG_UNLESS(sodium_init() >= 0);
    for (size_t i = 0; i < PASSWORD_TEMPORARY_SIZE - 1; i++) {
        const char *set = i == 0 ? upper : i == 1 ? lower : i == 2 ? digit : all;
        ret[i] = i == 6 || i == 13 ? '-' : set[randombytes_uniform((uint32_t)strlen(set))];
    }
    ret[PASSWORD_TEMPORARY_SIZE - 1] = '\0';
}
