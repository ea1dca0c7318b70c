/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading what Python's repr() wrote: Ultralytics keeps class names and export arguments that way
 * in the metadata of its files. No recursion, every size bounded. */
#ifndef NN_PYREPR_H
#define NN_PYREPR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"

/* Class names from "{0: 'plug', 1: \"it's\"}" (keys 0..n-1, any order) or "['plug', 'pot']".
 *   ret  [returned count] names, valid UTF-8, in a
 * Returns the count, at least 1. DM_EMODEL when malformed; DM_ELIMIT beyond LIMIT_MODEL_CLASSES or
 * LIMIT_MODEL_NAME_BYTES; DM_ENOMEM. */
DM_MUST_CHECK int nn_py_names(const char *text, struct dm_arena *a, const char *const **ret,
                              struct dm_err *e);

/* Whole numbers from "[640, 480]", "(640, 480)" or "640". Returns how many, -1 when malformed or
 * more than max. */
DM_MUST_CHECK int nn_py_ints(const char *text, int max, int64_t ret[]);

/* True when text is a dict whose string key has the value True or a non-zero number. Anything else,
 * malformed text included, is false: newer exporters add arguments of every form. */
bool nn_py_dict_true(const char *text, const char *key);

#endif
