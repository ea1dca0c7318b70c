/* SPDX-License-Identifier: Apache-2.0
 *
 * The books for a command. */
#include "cmd/books.h"

#include <string.h>

#include "cmd/database.h"
#include "inventory/users.h"

static int read_ground(struct cmd_run *r, struct books *b, struct dm_err *e)
{
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    DM_TRY(store_begin(b->store, STORE_READ, &tx, e));
    DM_TRY(inv_settings_load(tx, &r->arena, &b->settings, e));
    DM_TRY(user_system(tx, &b->ctx.user_id, e));
    return store_commit(&tx, e);
}

int books_open(struct cmd_run *r, struct books *b, struct dm_err *e)
{
    *b = (struct books){0};
    DM_TRY(database_open(r, NULL, DATABASE_BOOKS, &b->store, e));
    DM_TRY(read_ground(r, b, e));
    DM_TRY(dm_zone_load(b->settings.timezone, &b->zone, e));
    b->ctx.store = b->store;
    b->ctx.role = INV_ADMIN;
    b->ctx.now_ms = store_now();
    b->ctx.zone = b->zone;
    b->ctx.settings = &b->settings;
    return DM_OK;
}

void books_close(struct books *b)
{
    dm_zone_free(b->zone);
    store_close(b->store);
    *b = (struct books){0};
}

const char *books_address(struct cmd_run *r)
{
    const char *url = r->settings.v.server_public_url;
    const size_t n = strlen(url);
    return n > 0 ? dm_arena_strndup(&r->arena, url, n - (url[n - 1] == '/'))
                 : dm_arena_printf(&r->arena, "http://localhost:%d", r->settings.v.server_port);
}
