/* SPDX-License-Identifier: Apache-2.0
 *
 * SHA-256, the name of a photo's bytes everywhere in the house. */
#ifndef DM_BASE_HASH_H
#define DM_BASE_HASH_H

#include <stddef.h>

#define DM_SHA256_HEX_SIZE 65

/* Lower-case hexadecimal digest of n bytes. Source: FIPS 180-4, by libsodium. Threads: any. */
void dm_sha256_hex(const void *bytes, size_t n, char ret[static DM_SHA256_HEX_SIZE]);

/* The same for bytes that come in pieces. NULL when out of memory; after end only free. */
struct dm_sha256;
struct dm_sha256 *dm_sha256_new(void);
void dm_sha256_add(struct dm_sha256 *h, const void *bytes, size_t n);
void dm_sha256_end(struct dm_sha256 *h, char ret[static DM_SHA256_HEX_SIZE]);
void dm_sha256_free(struct dm_sha256 *h); /* accepts NULL */

#endif
