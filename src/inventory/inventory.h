/* SPDX-License-Identifier: Apache-2.0
 *
 * What all workflows of the nursery share: who calls (struct inv_ctx), what refuses (enum
 * inv_code), who may do what, settings, audit trail, repeated requests. Names of this room begin
 * with inv_.
 *
 * How a workflow reads: check the permission, open one transaction, do the work, write the audit
 * row, commit. Rows go out in the caller's arena; input structs are borrowed and hold only what the
 * caller said (no defaults). Every workflow may return the store's errors besides its own. */
#ifndef INVENTORY_INVENTORY_H
#define INVENTORY_INVENTORY_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/opt.h"
#include "base/zone.h"

struct store;
struct store_tx;

/* ---- rules that refuse ------------------------------------------------------------------- */

enum inv_code {
#define X(name, number, http, retry, exit_status, class, text) INV_##name = (number),
#include "inventory/rules.def"
#undef X
};

/* Make dm_code_info know enum inv_code. Once, at start, before other threads; again is harmless. */
void inv_setup(void);

/* Name of a rule in the older contract (api.md 1.6), NULL for a code of another room. */
const char *inv_code_class(int code);

/* ---- people ------------------------------------------------------------------------------ */

enum inv_role { INV_VIEWER, INV_WORKER, INV_SUPERVISOR, INV_ADMIN, INV_ROLE_MAX_ };
extern const char *const inv_role_names[]; /* as stored: "viewer"...; NULL-ended */

enum inv_action {
#define X(action, admin, supervisor, worker, viewer) INV_DO_##action,
#include "inventory/permissions.def"
#undef X
    INV_DO_MAX_
};

enum inv_grant { INV_GRANT_ALL, INV_GRANT_LIMITED, INV_GRANT_OWN, INV_GRANT_NO };

/* The caller of one request, job or command. Zeroed pointers are allowed where said. */
struct inv_ctx {
    struct store *store;
    int64_t user_id; /* 0 = nobody signed in */
    enum inv_role role;
    int64_t now_ms;             /* the instant the request counts as made, UTC */
    const struct dm_zone *zone; /* of the nursery; NULL = UTC */
    const struct inv_settings *settings;
    const char *request_id;     /* at most 36 characters; NULL for none */
    const char *remote_address; /* at most 45 characters; NULL for none */
};

/* What the table of permissions.def says. */
enum inv_grant inv_grant_of(enum inv_role role, enum inv_action action);

/* enum inv_grant other than NO (>= 0), INV_UNAUTHENTICATED, INV_FORBIDDEN. A workflow that gets
 * LIMITED or OWN checks the condition itself. */
DM_MUST_CHECK int inv_permit(const struct inv_ctx *c, enum inv_action action, struct dm_err *e);

/* ---- settings ---------------------------------------------------------------------------- */

#define INV_TYPE_BOOL bool
#define INV_TYPE_I32  int32_t
#define INV_TYPE_F64  double
#define INV_TYPE_STR  const char *
struct inv_settings {
#define X(field, type, def, min, max, unit, help) INV_TYPE_##type field;
#include "inventory/settings.def"
#undef X
};

/* Rows of settings.def: name, bounds, default, help. Sorted by name. */
extern const struct dm_opt inv_setting_table[];
extern const size_t inv_setting_count;

/* Defaults alone, as an instance has before anybody changed something. Static strings. */
struct inv_settings inv_settings_default(void);

/* Defaults and what app_settings says over them; strings in a. A stored value that is out of bounds
 * counts as not stored. */
DM_MUST_CHECK int inv_settings_load(struct store_tx *tx, struct dm_arena *a,
                                    struct inv_settings *ret, struct dm_err *e);

/* Change settings: an object of name -> value, one transaction, one audit row. Needs SETTINGS.
 * INV_VALIDATION names the first key that is unknown or whose value is out of bounds. The caller
 * loads its settings anew. */
DM_MUST_CHECK int inv_settings_change(const struct inv_ctx *c, const json_t *values,
                                      struct dm_err *e);

/* ---- audit trail ------------------------------------------------------------------------- */

/* Append a row of the audit log inside the transaction of the change.
 *   action     "create", "update", "deactivate", "login", "price.bulk"... at most 50 characters
 *   entity     table of the row, entity_id its id; NULL and 0 for none
 *   before, after  objects, borrowed, NULL allowed: when both are given only members that differ
 * are kept, and nothing is written when none does. Members that hold secrets (passwords, hashes of
 * them, tokens) are kept as "(changed)". Members of nested objects are compared and stored whole.
 */
DM_MUST_CHECK int audit_write(struct store_tx *tx, const struct inv_ctx *c, const char *action,
                              const char *entity, int64_t entity_id, const json_t *before,
                              const json_t *after, struct dm_err *e);

/* The same for a row known by a text: a uuid, the key of a setting. */
DM_MUST_CHECK int audit_write_named(struct store_tx *tx, const struct inv_ctx *c,
                                    const char *action, const char *entity, const char *entity_id,
                                    const json_t *before, const json_t *after, struct dm_err *e);

/* ---- repeated requests ------------------------------------------------------------------- */

/* An answer kept for a request that comes again (domain.md section 4). */
struct inv_reply {
    int status;         /* HTTP status */
    const char *body;   /* JSON */
    const char *fields; /* header fields, a JSON object of texts; NULL: none */
};

/* Look a request up, first thing in its transaction. key is its uuid, sha256 the digest of what was
 * asked (method, path, body). 1 = seen before, *ret is the answer to repeat, in a; 0 = new;
 * INV_IDEMPOTENCY_CONFLICT = the key was used for something else. */
DM_MUST_CHECK int inv_repeat_find(struct store_tx *tx, const struct inv_ctx *c, const char *key,
                                  const char *sha256, struct dm_arena *a, struct inv_reply *ret,
                                  struct dm_err *e);

/* Keep the answer, last thing in the same transaction. INV_IDEMPOTENCY_CONFLICT when the same
 * request is answered at this moment by another connection: roll back and look it up again. */
DM_MUST_CHECK int inv_repeat_keep(struct store_tx *tx, const struct inv_ctx *c, const char *key,
                                  const char *sha256, const struct inv_reply *reply,
                                  struct dm_err *e);

/* The same for requests that are not one transaction, around them. begin: 1 = seen before, *ret is
 * the answer to repeat, in a; 0 = new, and nobody else may make it until end;
 * INV_IDEMPOTENCY_CONFLICT = used for something else, or not answered yet. A process that dies
 * between the two leaves it that way: whether it wrote anything is for a person to see. end: keep
 * the answer, or (reply NULL, nothing was done) let it be asked again. */
DM_MUST_CHECK int inv_repeat_begin(const struct inv_ctx *c, const char *key, const char *sha256,
                                   struct dm_arena *a, struct inv_reply *ret, struct dm_err *e);
DM_MUST_CHECK int inv_repeat_end(const struct inv_ctx *c, const char *key, const char *sha256,
                                 const struct inv_reply *reply, struct dm_err *e);

/* Forget answers older than 48 hours; how many. */
DM_MUST_CHECK int inv_repeat_purge(const struct inv_ctx *c, int64_t *ret_n, struct dm_err *e);

#endif
