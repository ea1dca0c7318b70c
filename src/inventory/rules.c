/* SPDX-License-Identifier: Apache-2.0
 *
 * Rules that refuse and permissions: two tables and their look-ups. */
#include <string.h>

#include "inventory/inventory.h"

static const struct dm_code_info rules[] = {
#define X(name, number, http, retry, exit_status, class, text)                                     \
    {INV_##name, http, retry, exit_status, #name, text},
#include "inventory/rules.def"
#undef X
};

static const char *const classes[] = {
#define X(name, number, http, retry, exit_status, class, text) class,
#include "inventory/rules.def"
#undef X
};

void inv_setup(void)
{
    static struct dm_code_table table = {rules, DM_COUNT(rules), NULL};
    dm_codes_add(&table);
}

const char *inv_code_class(int code)
{
    for (size_t i = 0; i < DM_COUNT(rules); i++) {
        if (rules[i].code == code) {
            return classes[i];
        }
    }
    return NULL;
}

const char *const inv_role_names[] = {"viewer", "worker", "supervisor", "admin", NULL};

static const struct {
    const char *name;
    unsigned char grant[INV_ROLE_MAX_]; /* enum inv_grant */
} actions[INV_DO_MAX_] = {
#define X(action, admin, supervisor, worker, viewer)                                               \
    [INV_DO_##action] = {#action,                                                                  \
                         {[INV_ADMIN] = INV_GRANT_##admin,                                         \
                          [INV_SUPERVISOR] = INV_GRANT_##supervisor,                               \
                          [INV_WORKER] = INV_GRANT_##worker,                                       \
                          [INV_VIEWER] = INV_GRANT_##viewer}},
#include "inventory/permissions.def"
#undef X
};

enum inv_grant inv_grant_of(enum inv_role role, enum inv_action action)
{
    return actions[action].grant[role];
}

/* Lowest role that has the action, for the caller's message. */
static const char *needed_role(enum inv_action action)
{
    for (enum inv_role r = 0; r < INV_ADMIN; r++) {
        /* the viewer reads more than the worker: the order of roles holds for writing only */
        if (r != INV_VIEWER && actions[action].grant[r] != INV_GRANT_NO) {
            return inv_role_names[r];
        }
    }
    return inv_role_names[INV_ADMIN];
}

int inv_permit(const struct inv_ctx *c, enum inv_action action, struct dm_err *e)
{
    if (c->user_id <= 0) {
        DM_REFUSE(e, INV_UNAUTHENTICATED, DM_FIELDS(DM_S("reason", "missing")), "nobody signed in");
    }
    const enum inv_grant grant = inv_grant_of(c->role, action);
    if (grant == INV_GRANT_NO) {
        DM_REFUSE(e, INV_FORBIDDEN,
                  DM_FIELDS(DM_S("required_role", needed_role(action)),
                            DM_S("action", actions[action].name)),
                  "a %s may not do this: it takes a %s", inv_role_names[c->role],
                  needed_role(action));
    }
    return (int)grant;
}
