/* SPDX-License-Identifier: Apache-2.0
 *
 * People from a CSV file: email, first_name, last_name, role, and password or password_hash (bcrypt
 * or argon2id of another program). Each row is an account of its own: a bad one is listed and the
 * others are made; an e-mail that is known is left as it is, so a file can be loaded again. */
#include <string.h>

#include "base/csv.h"
#include "inventory/users.h"

enum column { EMAIL, FIRST, LAST, ROLE, PASSWORD, HASH, COLUMNS };

static const char *const h_email[] = {"email", "correo", NULL};
static const char *const h_first[] = {"first_name", "nombre", NULL};
static const char *const h_last[] = {"last_name", "apellido", NULL};
static const char *const h_role[] = {"role", "rol", NULL};
static const char *const h_password[] = {"password", "contrasena", NULL};
static const char *const h_hash[] = {"password_hash", NULL};
static const struct dm_csv_column columns[COLUMNS] = {
    [EMAIL] = {"email", h_email, true},           [FIRST] = {"first_name", h_first, true},
    [LAST] = {"last_name", h_last, true},         [ROLE] = {"role", h_role, false},
    [PASSWORD] = {"password", h_password, false}, [HASH] = {"password_hash", h_hash, false}};

static int role_of(const char *text, enum inv_role *ret, struct dm_err *e)
{
    *ret = INV_WORKER;
    for (int i = 0; *text && i < INV_ROLE_MAX_; i++) {
        if (!strcmp(text, inv_role_names[i])) {
            *ret = (enum inv_role)i;
            return DM_OK;
        }
    }
    if (*text) {
        DM_FAIL(e, INV_VALIDATION, "there is no role '%.40s'", text);
    }
    return DM_OK;
}

static int check_row(const struct user_new *n, struct dm_err *e)
{
    if (n->password) {
        return password_check(n->password, e);
    }
    if (!n->password_hash || !password_hash_known(n->password_hash)) {
        DM_FAIL(e, INV_VALIDATION, "neither a password nor a hash of bcrypt or argon2id");
    }
    return DM_OK;
}

static const char *filled(const char *cell)
{
    return *cell ? cell : NULL;
}

/* 1 = made (or would be), 0 = known already. */
static int take_row(const struct inv_ctx *c, const struct dm_csv_row *row, const int *at,
                    bool dry_run, struct dm_err *e)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    struct user known;
    int64_t id;
    struct user_new n = {.email = dm_csv_cell(row, at[EMAIL]),
                         .first_name = dm_csv_cell(row, at[FIRST]),
                         .last_name = dm_csv_cell(row, at[LAST]),
                         .password = filled(dm_csv_cell(row, at[PASSWORD])),
                         .password_hash = filled(dm_csv_cell(row, at[HASH]))};
    DM_TRY(role_of(dm_csv_cell(row, at[ROLE]), &n.role, e));
    const int found = user_find(c, n.email, &a, &known, e);
    if (found >= 0) {
        return 0;
    }
    if (found != INV_NOT_FOUND) {
        return found;
    }
    DM_TRY(check_row(&n, e));
    n.must_change = n.password != NULL; /* somebody else has seen it */
    if (!dry_run) {
        DM_TRY(user_add(c, &n, &id, e));
    }
    return 1;
}

int user_import(const struct inv_ctx *c, const char *text, size_t n, bool dry_run,
                struct dm_arena *a, struct user_import_result *ret, struct dm_err *e)
{
    struct dm_csv csv;
    struct dm_csv_row row;
    int at[COLUMNS];
    struct user_import_result r = {0};
    DM_TRY(inv_permit(c, INV_DO_USERS, e));
    DM_TRY(dm_csv_open(&csv, text, n, 0, a, e));
    int more = dm_csv_next(&csv, a, &row, e);
    DM_TRY(more);
    if (!more) {
        DM_FAIL(e, INV_VALIDATION, "the file is empty");
    }
    DM_TRY(dm_csv_columns(&row, columns, COLUMNS, at, a, e));
    r.error = dm_arena_calloc(a, USER_IMPORT_ERRORS_MAX, sizeof(*r.error));
    if (!r.error) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the list of errors");
    }
    while ((more = dm_csv_next(&csv, a, &row, e)) > 0) {
        struct dm_err why = {0};
        const int code = take_row(c, &row, at, dry_run, &why);
        r.made += code > 0;
        r.known += code == 0;
        if (code < 0) {
            const char *issue = dm_arena_strdup(a, dm_err_text(&why));
            if (r.failed < USER_IMPORT_ERRORS_MAX) {
                r.error[r.failed] = (struct user_import_error){(int64_t)row.line, issue};
            }
            r.failed++;
        }
    }
    DM_TRY(more);
    *ret = r;
    return DM_OK;
}
