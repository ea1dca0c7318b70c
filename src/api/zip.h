/* SPDX-License-Identifier: Apache-2.0
 *
 * Archives of files that are small already (pictures): stored, not packed (APPNOTE.TXT 6.3.10). */
#ifndef API_ZIP_H
#define API_ZIP_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct zip_entry {
    const char *name; /* UTF-8, "/" between folders */
    const void *bytes;
    size_t n; /* below 4 GiB, as is the whole */
};

/* Write an archive of n entries, dated at_ms, to an empty file, which is at its start afterwards.
 * DM_ELIMIT: it would be too large; DM_EIO. */
DM_MUST_CHECK int zip_write(int fd, const struct zip_entry *entry, size_t n, int64_t at_ms,
                            struct dm_err *e);

#endif
