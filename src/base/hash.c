/* SPDX-License-Identifier: Apache-2.0
 *
 * SHA-256 by libsodium. */
#include "base/hash.h"

#include <sodium.h>

#include "base/macros.h"

_Static_assert(DM_SHA256_HEX_SIZE == 2 * crypto_hash_sha256_BYTES + 1, "hexadecimal and a NUL");

void dm_sha256_hex(const void *bytes, size_t n, char ret[static DM_SHA256_HEX_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char digest[crypto_hash_sha256_BYTES];
    int failed = crypto_hash_sha256(digest, n ? bytes : "", n);
    DM_BUG_UNLESS(!failed); /* the function has no way to fail */
    for (size_t i = 0; i < sizeof(digest); i++) {
        ret[2 * i] = digits[digest[i] >> 4];
        ret[2 * i + 1] = digits[digest[i] & 15];
    }
    ret[DM_SHA256_HEX_SIZE - 1] = '\0';
}
