/* SPDX-License-Identifier: Apache-2.0
 *
 * Text and path helpers. Text is UTF-8; names of files are bytes and may be anything. */
#ifndef DM_BASE_TEXT_H
#define DM_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

/* What becomes of control characters in dm_text_clean. */
enum dm_text_use {
    DM_TEXT_JSON,     /* kept: JSON escapes them */
    DM_TEXT_TERMINAL, /* replaced: a file name must not move the cursor */
};

/* s as valid UTF-8: each byte that is not, and what use forbids, becomes U+FFFD. s itself when it
 * is clean, else a copy in a; NULL when out of memory. */
const char *dm_text_clean(const char *s, enum dm_text_use use, struct dm_arena *a);

/* Whether s[n] is valid UTF-8 without zero characters. */
bool dm_text_valid(const char *s, size_t n);

/* Characters of valid UTF-8, for padding columns: code points, combining marks not considered. */
size_t dm_text_width(const char *s);

/* First bytes of s that hold at most width characters. */
size_t dm_text_prefix(const char *s, size_t width);

/* Lower case, accents of Latin letters taken off: "Túnel Ñandú" -> "tunel nandu". Other characters
 * stay. In a; NULL when out of memory. */
char *dm_text_fold(const char *s, struct dm_arena *a);

/* A name for comparing what people write: folded, runs of anything but letters and digits become
 * one
 * '_', none at the ends: "Unid.X\n Cajón" -> "unid_x_cajon". In a; NULL when out of memory. */
char *dm_text_key(const char *s, struct dm_arena *a);

/* The part after the last slash; borrowed from path. */
const char *dm_path_base(const char *path);

/* Base name without its last extension, in a; ".hidden" keeps its name. NULL when out of memory. */
char *dm_path_stem(const char *path, struct dm_arena *a);

/* dir/name with exactly one slash between, in a; name alone when dir is "" or name is absolute.
 * NULL when out of memory. */
char *dm_path_join(const char *dir, const char *name, struct dm_arena *a);

#endif
