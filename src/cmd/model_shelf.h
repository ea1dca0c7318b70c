/* SPDX-License-Identifier: Apache-2.0
 *
 * A folder (or volume) of model files with a manifest, models.json, that records what was put
 * there: name, task, bytes, SHA-256, licence, source. Every change is a whole file renamed into
 * place, so a reader never sees half of one. Two writers at once: the last manifest stands. */
#ifndef CMD_MODEL_SHELF_H
#define CMD_MODEL_SHELF_H

#include "base/arena.h"
#include "base/error.h"
#include "base/hash.h"

#define MODEL_SHELF_MANIFEST "models.json"

enum model_shelf_state {
    MODEL_SHELF_GOOD,    /* as recorded */
    MODEL_SHELF_ALONE,   /* a file that the manifest does not know */
    MODEL_SHELF_MISSING, /* recorded, but not there or not readable */
    MODEL_SHELF_DIFFERS, /* its bytes are not those recorded */
    MODEL_SHELF_STATES
};
extern const char *const model_shelf_state_names[MODEL_SHELF_STATES]; /* "ok", "unrecorded", ... */

struct model_shelf_item {
    const char *name, *task, *license, *source; /* "" where unknown */
    long long bytes;
    char sha256[DM_SHA256_HEX_SIZE]; /* recorded; of a file alone what it has */
    enum model_shelf_state state;
};

/* Sorted by name. */
struct model_shelf {
    const char *dir;
    struct model_shelf_item *item;
    size_t n;
};

/* Read the manifest of dir (none: nothing recorded) and compare it with the files there: every
 * *.onnx is hashed. Everything lives in a. DM_ENOTFOUND: no such folder; DM_EBADINPUT: the manifest
 * is not one; DM_ELIMIT; DM_ENOMEM. */
DM_MUST_CHECK int model_shelf_open(const char *dir, struct dm_arena *a, struct model_shelf *ret,
                                   struct dm_err *e);

/* The rows of a manifest's text; every one has a name in .onnx and a checksum. where is what errors
 * call it. Items in a, their state is that of no file. DM_EBADINPUT; DM_ENOMEM. */
DM_MUST_CHECK int model_shelf_parse(const char *where, const char *text, size_t n,
                                    struct dm_arena *a, struct model_shelf *ret, struct dm_err *e);

/* Put n bytes there as name: they must have the checksum wanted ("" = any) and be a model that
 * opens, else DM_EMODEL and the folder is as it was. The folder is made when it is
 * missing; a file of that name is replaced. *ret in a. */
DM_MUST_CHECK int model_shelf_put(const char *dir, const char *name, const char *source,
                                  const void *bytes, size_t n, const char *wanted,
                                  struct dm_arena *a, struct model_shelf_item *ret,
                                  struct dm_err *e);

#endif
