/* SPDX-License-Identifier: Apache-2.0
 *
 * Settings from a configuration file and from the environment into option tables. Call in the order
 * of precedence: dm_opt_defaults, dm_conf_read, dm_conf_env, then the flags.
 *
 * The file is a list of sections and keys, the names of the options:
 *
 *   # comment, also with ;             a comment has its own line
 *   [count]
 *   tile_overlap = 0.25                blanks around the value do not count
 *   model_detect = "my model.onnx"     quotes around a value are dropped
 */
#ifndef DM_BASE_CONF_H
#define DM_BASE_CONF_H

#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/opt.h"

/* Parse text[n]. name is what messages and origins call it. DM_EBADINPUT with name and line:
 * unknown option (and the nearest one), value out of bounds, key twice, not a line of this form. */
DM_MUST_CHECK int dm_conf_parse(struct dm_opt_set *const *sets, size_t n_sets, const char *name,
                                const char *text, size_t n, struct dm_arena *a, struct dm_err *e);

/* The same from a file. DM_ENOTFOUND, DM_EIO, DM_ELIMIT as dm_buf_read_file. */
DM_MUST_CHECK int dm_conf_read(struct dm_opt_set *const *sets, size_t n_sets, const char *path,
                               struct dm_arena *a, struct dm_err *e);

/* Value of a variable, NULL when it is not set; ctx is the caller's. */
typedef const char *(*dm_conf_lookup)(void *ctx, const char *name);

/* Read the variables of all options (see struct dm_opt) and their _FILE twins. An empty variable
 * counts as not set. DM_EBADINPUT names the variable: value out of bounds, or variable and twin
 * both set; DM_ENOTFOUND, DM_EIO: the file that a twin names. */
DM_MUST_CHECK int dm_conf_env(struct dm_opt_set *const *sets, size_t n_sets, dm_conf_lookup lookup,
                              void *ctx, struct dm_arena *a, struct dm_err *e);

/* Whether some option reads the variable name (or its _FILE twin). */
bool dm_conf_env_known(struct dm_opt_set *const *sets, size_t n_sets, const char *name);

/* Where a value came from, for people: "default", "env YOLO_DETECTION_MODEL", "file named by
 * X_FILE", "demeter.conf line 12", "flag --conf", "profile". In a; NULL when out of memory. */
const char *dm_conf_origin(const struct dm_opt_source *s, struct dm_arena *a);

#endif
