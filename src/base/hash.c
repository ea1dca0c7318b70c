/* SPDX-License-Identifier: Apache-2.0
 *
 * SHA-256 by libsodium. */
#include "base/hash.h"

#include <sodium.h>

#include "base/alloc.h"
#include "base/macros.h"

_Static_assert(DM_SHA256_HEX_SIZE == 2 * crypto_hash_sha256_BYTES + 1, "hexadecimal and a NUL");

static void hex_of(const unsigned char digest[static crypto_hash_sha256_BYTES],
                   char ret[static DM_SHA256_HEX_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < crypto_hash_sha256_BYTES; i++) {
        ret[2 * i] = digits[digest[i] >> 4];
        ret[2 * i + 1] = digits[digest[i] & 15];
    }
    ret[DM_SHA256_HEX_SIZE - 1] = '\0';
}

void dm_sha256_hex(const void *bytes, size_t n, char ret[static DM_SHA256_HEX_SIZE])
{
    unsigned char digest[crypto_hash_sha256_BYTES];
    int failed = crypto_hash_sha256(digest, n ? bytes : "", n);
    DM_BUG_UNLESS(!failed); /* the function has no way to fail */
    hex_of(digest, ret);
}

struct dm_sha256 {
    crypto_hash_sha256_state state;
};

struct dm_sha256 *dm_sha256_new(void)
{
    struct dm_sha256 *h = dm_alloc(sizeof(*h));
    if (h != NULL) {
        DM_BUG_UNLESS(crypto_hash_sha256_init(&h->state) == 0);
    }
    return h;
}

void dm_sha256_add(struct dm_sha256 *h, const void *bytes, size_t n)
{
    DM_BUG_UNLESS(crypto_hash_sha256_update(&h->state, n ? bytes : "", n) == 0);
}

void dm_sha256_end(struct dm_sha256 *h, char ret[static DM_SHA256_HEX_SIZE])
{
    unsigned char digest[crypto_hash_sha256_BYTES];
    DM_BUG_UNLESS(crypto_hash_sha256_final(&h->state, digest) == 0);
    hex_of(digest, ret);
}

void dm_sha256_free(struct dm_sha256 *h)
{
    dm_free(h);
}
