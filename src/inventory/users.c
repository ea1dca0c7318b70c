/* SPDX-License-Identifier: Apache-2.0
 *
 * Accounts: making, changing, listing. Passwords are hashed before the transaction begins: no lock
 * is held for those 50 ms. */
#include <string.h>

#include "inventory/json.h"
#include "inventory/users_priv.h"

enum {
    BY_ID,
    LOCK,
    BY_EMAIL,
    LIST,
    SYSTEM,
    INSERT,
    UPDATE,
    SET_HASH,
    ADMINS,
    END_TOKENS,
    TERMS,
    PREFER,
};

static const struct store_query queries[] = {
    [BY_ID] = {"users.by_id", "SELECT " USER_COLUMNS " FROM users WHERE id = ?1", "i", USER_COLS,
               false},
    [LOCK] = {"users.lock", "SELECT " USER_COLUMNS " FROM users WHERE id = ?1 {for_update}", "i",
              USER_COLS, false},
    [BY_EMAIL] = {"users.by_email", "SELECT " USER_COLUMNS " FROM users WHERE email = ?1", "t",
                  USER_COLS, false},
    [LIST] = {"users.list",
              "SELECT " USER_COLUMNS " FROM users WHERE NOT is_system AND (?1 IS NULL OR active ="
              " ?1) AND (?2 IS NULL OR role = ?2) ORDER BY email",
              "bt", USER_COLS, false},
    [SYSTEM] = {"users.system", "SELECT id FROM users WHERE is_system", "", "i", false},
    [INSERT] = {"users.insert",
                "INSERT INTO users (email, first_name, last_name, role, password_hash,"
                " must_change_password) VALUES (?1, ?2, ?3, ?4, ?5, ?6) RETURNING id",
                "tttttb", "i", false},
    [UPDATE] = {"users.update",
                "UPDATE users SET email = ?2, first_name = ?3, last_name = ?4, role = ?5,"
                " active = ?6, updated_at = {now} WHERE id = ?1",
                "ittttb", "", false},
    [SET_HASH] = {"users.set_hash",
                  "UPDATE users SET password_hash = ?2, must_change_password = ?3,"
                  " failed_login_count = 0, locked_until = NULL, updated_at = {now} WHERE id = ?1",
                  "itb", "", false},
    [ADMINS] = {"users.admins",
                "SELECT id FROM users WHERE role = 'admin' AND active AND NOT is_system ORDER BY"
                " id {for_update}",
                "", "i", false},
    [END_TOKENS] = {"users.end_tokens",
                    "UPDATE refresh_tokens SET revoked_at = ?2, updated_at = {now}"
                    " WHERE user_id = ?1 AND revoked_at IS NULL",
                    "iT", "", false},
    [TERMS] = {"users.terms",
               "UPDATE users SET terms_accepted_at = ?2, updated_at = {now} WHERE id = ?1", "iT",
               "", false},
    [PREFER] = {"users.prefer",
                "UPDATE users SET preferences = ?2, updated_at = {now} WHERE id = ?1", "ij", "",
                false},
};
STORE_QUERIES(users_queries, queries);

static enum inv_role role_of(const char *name)
{
    for (int i = 0; i < INV_ROLE_MAX_; i++) {
        if (!strcmp(name, inv_role_names[i])) {
            return (enum inv_role)i;
        }
    }
    return INV_VIEWER; /* the column's CHECK knows no other */
}

static int64_t instant(const struct store_value *v)
{
    return v->null ? 0 : v->i;
}

void user_from_row(const struct store_value *row, struct user *ret, const char **ret_hash)
{
    *ret = (struct user){
        .id = row[0].i,
        .email = row[1].t,
        .first_name = row[2].t,
        .last_name = row[3].t,
        .role = role_of(row[4].t),
        .active = row[5].b,
        .is_system = row[6].b,
        .must_change_password = row[7].b,
        .has_password = !row[8].null,
        .provider = row[9].null ? NULL : row[9].t,
        .terms_accepted_at = instant(&row[10]),
        .last_login_at = instant(&row[11]),
        .last_upload_at = instant(&row[12]),
        .locked_until = instant(&row[13]),
        .created_at = instant(&row[14]),
        .updated_at = instant(&row[15]),
        .preferences = row[16].null ? NULL : row[16].t,
    };
    if (ret_hash) {
        *ret_hash = row[8].null ? NULL : row[8].t;
    }
}

/* ---- checks ------------------------------------------------------------------------------- */

int user_email_clean(const char *email, struct dm_arena *a, const char **ret, struct dm_err *e)
{
    const size_t n = strlen(email);
    const char *at = strchr(email, '@');
    const bool shape = at && at > email && at[1] && !strchr(at + 1, '@') && n <= 254;
    if (!shape || strpbrk(email, " \t\r\n,;<>\"()") || at[1] == '.' || email[n - 1] == '.') {
        DM_FAIL(e, INV_VALIDATION, "'%.80s' is not an e-mail address", email);
    }
    char *copy = dm_arena_strdup(a, email);
    if (!copy) {
        DM_FAIL(e, DM_ENOMEM, "no memory for an e-mail address");
    }
    for (char *p = copy; *p; p++) {
        if ((unsigned char)*p < 0x20 || (unsigned char)*p >= 0x7f) {
            DM_FAIL(e, INV_VALIDATION, "an e-mail address is written in ASCII");
        }
        *p = (char)(*p >= 'A' && *p <= 'Z' ? *p - 'A' + 'a' : *p);
    }
    *ret = copy;
    return DM_OK;
}

/* Column of 100 characters: counted as UTF-8 by what does not continue a character. */
int user_name_check(const char *name, struct dm_err *e)
{
    size_t characters = 0;
    bool blank = true;
    for (const char *p = name; *p; p++) {
        characters += ((unsigned char)*p & 0xc0) != 0x80;
        blank = blank && *p == ' ';
        if ((unsigned char)*p < 0x20) {
            DM_FAIL(e, INV_VALIDATION, "a name has no control characters");
        }
    }
    if (blank || characters > 100) {
        DM_FAIL(e, INV_VALIDATION, "a name has 1 to 100 characters");
    }
    return DM_OK;
}

int user_lock(struct store_tx *tx, int64_t user_id, struct dm_arena *a, struct user *ret,
              const char **ret_hash, struct dm_err *e)
{
    const struct store_value *row;
    const int code = store_one(tx, &queries[LOCK], STORE_ARGS(store_i(user_id)), a, &row, e);
    if (code == DM_ENOTFOUND) {
        DM_FAIL(e, INV_NOT_FOUND, "there is no user %lld", (long long)user_id);
    }
    DM_TRY(code);
    user_from_row(row, ret, ret_hash);
    return DM_OK;
}

/* Two admins who demote each other at the same time would both see the other one; locking the rows
 * in the order of their ids makes one of them wait and look again. */
int user_keep_admin(struct store_tx *tx, int64_t leaving_id, struct dm_err *e)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    struct store_table admins;
    DM_TRY(store_all(tx, &queries[ADMINS], STORE_NO_ARGS, &a, &admins, e));
    for (size_t i = 0; i < admins.n; i++) {
        if (store_row(&admins, i)[0].i != leaving_id) {
            return DM_OK;
        }
    }
    DM_FAIL(e, INV_IN_USE, "this is the last active administrator");
}

int user_store_hash(struct store_tx *tx, int64_t user_id, const char *hash, bool must_change,
                    struct dm_err *e)
{
    return store_exec(tx, &queries[SET_HASH],
                      STORE_ARGS(store_i(user_id), store_t(hash), store_b(must_change)), NULL, e);
}

int user_end_tokens(struct store_tx *tx, int64_t user_id, int64_t now_ms, struct dm_err *e)
{
    return store_exec(tx, &queries[END_TOKENS], STORE_ARGS(store_i(user_id), store_at(now_ms)),
                      NULL, e);
}

/* ---- making and changing ------------------------------------------------------------------ */

struct call {
    const struct inv_ctx *c;
    struct user_new add;
    const char *hash;
    int64_t user_id;
    struct user_change change;
    bool must_change;
    const char *action;
};

static int refuse_taken(int code, struct dm_err *e)
{
    if (code == DM_ECONFLICT) {
        DM_FAIL(e, INV_DUPLICATE_CODE, "the e-mail address belongs to another account");
    }
    return code;
}

static json_t *user_json(const char *email, const char *first, const char *last, enum inv_role role,
                         bool active)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:b}", "email", email, "first_name", first, "last_name",
                     last, "role", inv_role_names[role], "active", active);
}

int user_insert(struct store_tx *tx, const struct inv_ctx *c, const struct user_new *n,
                const char *hash, int64_t *ret_id, struct dm_err *e)
{
    const int code = store_int(tx, &queries[INSERT],
                               STORE_ARGS(store_t(n->email), store_t(n->first_name),
                                          store_t(n->last_name), store_t(inv_role_names[n->role]),
                                          store_t(hash), store_b(n->must_change)),
                               ret_id, e);
    DM_TRY(refuse_taken(code, e));
    json_t *after = user_json(n->email, n->first_name, n->last_name, n->role, true);
    const int audited = audit_write(tx, c, "create", "users", *ret_id, NULL, after, e);
    json_decref(after);
    return audited;
}

static int add_in(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    struct call *x = ctx;
    return user_insert(tx, x->c, &x->add, x->hash, &x->user_id, e);
}

int user_new_check(struct user_new *n, struct dm_arena *a, struct dm_err *e)
{
    DM_TRY(user_email_clean(n->email, a, &n->email, e));
    DM_TRY(user_name_check(n->first_name, e));
    return user_name_check(n->last_name, e);
}

int user_add(const struct inv_ctx *c, const struct user_new *n, int64_t *ret_id, struct dm_err *e)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    struct call x = {.c = c, .add = *n, .hash = n->password_hash};
    char hash[PASSWORD_HASH_SIZE];
    DM_TRY(inv_permit(c, INV_DO_USERS, e));
    DM_TRY(user_new_check(&x.add, &a, e));
    if (!n->password && !n->password_hash) {
        DM_FAIL(e, INV_VALIDATION, "an account needs a password");
    }
    if (n->password) {
        DM_TRY(password_check(n->password, e));
        DM_TRY(password_hash(n->password, hash, e));
        x.hash = hash;
    } else if (!password_hash_known(n->password_hash)) {
        DM_FAIL(e, INV_VALIDATION, "the password hash is neither bcrypt nor argon2id");
    }
    DM_TRY(store_run(c->store, STORE_WRITE, add_in, &x, e));
    *ret_id = x.user_id;
    return DM_OK;
}

/* What the row will be; and whether the person loses what they had. */
static struct user changed(const struct user *old, const struct user_change *x)
{
    struct user now = *old;
    now.email = x->email ? x->email : old->email;
    now.first_name = x->first_name ? x->first_name : old->first_name;
    now.last_name = x->last_name ? x->last_name : old->last_name;
    now.role = x->role == INV_ROLE_MAX_ ? old->role : x->role;
    now.active = x->active < 0 ? old->active : x->active > 0;
    return now;
}

static int change_in(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    struct call *x = ctx;
    struct user old = {0};
    const bool careful = x->change.role != INV_ROLE_MAX_ || x->change.active == 0;
    if (careful) {
        /* before the row itself, so that everybody locks admins in one order */
        struct store_table admins;
        DM_TRY(store_all(tx, &queries[ADMINS], STORE_NO_ARGS, &a, &admins, e));
    }
    DM_TRY(user_lock(tx, x->user_id, &a, &old, NULL, e));
    if (old.is_system) {
        DM_FAIL(e, INV_FORBIDDEN, "the system's own account is not changed");
    }
    const struct user now = changed(&old, &x->change);
    const bool was_admin = old.active && old.role == INV_ADMIN;
    const bool is_admin = now.active && now.role == INV_ADMIN;
    if (was_admin && !is_admin) {
        DM_TRY(user_keep_admin(tx, old.id, e));
    }
    const int code = store_exec(tx, &queries[UPDATE],
                                STORE_ARGS(store_i(old.id), store_t(now.email),
                                           store_t(now.first_name), store_t(now.last_name),
                                           store_t(inv_role_names[now.role]), store_b(now.active)),
                                NULL, e);
    DM_TRY(refuse_taken(code, e));
    if (now.role != old.role || now.active != old.active) {
        DM_TRY(user_end_tokens(tx, old.id, x->c->now_ms, e));
    }
    json_t *before = user_json(old.email, old.first_name, old.last_name, old.role, old.active);
    json_t *after = user_json(now.email, now.first_name, now.last_name, now.role, now.active);
    const char *action = now.role != old.role        ? "role"
                         : old.active && !now.active ? "deactivate"
                                                     : "update";
    const int audited = audit_write(tx, x->c, action, "users", old.id, before, after, e);
    json_decref(before);
    json_decref(after);
    return audited;
}

static int change_checked(const struct inv_ctx *c, int64_t user_id, const struct user_change *x,
                          struct dm_err *e)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    struct call call = {.c = c, .user_id = user_id, .change = *x};
    if (x->email) {
        DM_TRY(user_email_clean(x->email, &a, &call.change.email, e));
    }
    if (x->first_name) {
        DM_TRY(user_name_check(x->first_name, e));
    }
    if (x->last_name) {
        DM_TRY(user_name_check(x->last_name, e));
    }
    return store_run(c->store, STORE_WRITE, change_in, &call, e);
}

int user_change(const struct inv_ctx *c, int64_t user_id, const struct user_change *x,
                struct dm_err *e)
{
    DM_TRY(inv_permit(c, INV_DO_USERS, e));
    return change_checked(c, user_id, x, e);
}

int user_change_self(const struct inv_ctx *c, const struct user_change *x, struct dm_err *e)
{
    DM_TRY(inv_permit(c, INV_DO_READ, e));
    struct user_change own = *x;
    own.role = INV_ROLE_MAX_;
    own.active = -1;
    return change_checked(c, c->user_id, &own, e);
}

/* ---- passwords ---------------------------------------------------------------------------- */

static int set_password_in(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    struct call *x = ctx;
    struct user u = {0};
    DM_TRY(user_lock(tx, x->user_id, &a, &u, NULL, e));
    if (u.is_system || (u.provider && !u.has_password)) {
        DM_FAIL(e, INV_INVALID_TRANSITION, "this account signs in elsewhere and has no password");
    }
    DM_TRY(user_store_hash(tx, u.id, x->hash, x->must_change, e));
    DM_TRY(user_end_tokens(tx, u.id, x->c->now_ms, e));
    return audit_write(tx, x->c, x->action, "users", u.id, NULL, NULL, e);
}

int user_reset(const struct inv_ctx *c, int64_t user_id, const char *password, bool keep,
               struct dm_err *e)
{
    char hash[PASSWORD_HASH_SIZE];
    struct call x = {
        .c = c, .user_id = user_id, .hash = hash, .must_change = !keep, .action = "password.reset"};
    DM_TRY(inv_permit(c, INV_DO_USERS, e));
    DM_TRY(password_check(password, e));
    DM_TRY(password_hash(password, hash, e));
    return store_run(c->store, STORE_WRITE, set_password_in, &x, e);
}

int user_change_password(const struct inv_ctx *c, const char *current, const char *wanted,
                         struct dm_err *e)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    char hash[PASSWORD_HASH_SIZE];
    struct call x = {.c = c, .user_id = c->user_id, .hash = hash, .action = "password.change"};
    struct user u = {0};
    const char *old;
    bool stale;
    DM_TRY(inv_permit(c, INV_DO_READ, e));
    DM_TRY(password_check(wanted, e));
    {
        DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
        DM_TRY(store_begin(c->store, STORE_WRITE, &tx, e));
        DM_TRY(user_lock(tx, c->user_id, &a, &u, &old, e));
    }
    if (!password_fits(old, current, &stale)) {
        DM_FAIL(e, INV_UNAUTHENTICATED, "the current password is not right");
    }
    DM_TRY(password_hash(wanted, hash, e));
    return store_run(c->store, STORE_WRITE, set_password_in, &x, e);
}

struct prefer {
    const struct inv_ctx *c;
    const json_t *values;
};

static int prefer_in(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    const struct prefer *x = ctx;
    struct user u = {0};
    const char *text;
    const char *name;
    json_t *value;
    DM_TRY(user_lock(tx, x->c->user_id, &a, &u, NULL, e));
    DM_CLEANUP(inv_json_freep)
    json_t *all = u.preferences ? json_loads(u.preferences, 0, NULL) : NULL;
    all = all ? all : json_object();
    json_object_foreach((json_t *)x->values, name, value)
    {
        if (json_is_null(value)) {
            (void)json_object_del(all, name);
        } else if (json_object_set(all, name, value)) {
            DM_FAIL(e, DM_ENOMEM, "no memory for preferences");
        }
    }
    DM_TRY(inv_json_text(all, &a, &text, e));
    if (strlen(text) > USERS_PREFERENCES_BYTES) {
        DM_REFUSE(e, INV_VALIDATION, DM_FIELDS(DM_S("field", "preferences")),
                  "preferences have at most %d bytes", USERS_PREFERENCES_BYTES);
    }
    return store_exec(tx, &queries[PREFER], STORE_ARGS(store_i(u.id), store_j(text)), NULL, e);
}

int user_preferences_set(const struct inv_ctx *c, const json_t *values, struct dm_err *e)
{
    struct prefer x = {c, values};
    DM_TRY(inv_permit(c, INV_DO_READ, e));
    return store_run(c->store, STORE_WRITE, prefer_in, &x, e);
}

static int terms_in(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    const struct call *x = ctx;
    DM_TRY(store_exec(tx, &queries[TERMS],
                      STORE_ARGS(store_i(x->c->user_id), store_at(x->c->now_ms)), NULL, e));
    return audit_write(tx, x->c, "terms.accept", "users", x->c->user_id, NULL, NULL, e);
}

int user_accept_terms(const struct inv_ctx *c, struct dm_err *e)
{
    struct call x = {.c = c};
    DM_TRY(inv_permit(c, INV_DO_READ, e));
    return store_run(c->store, STORE_WRITE, terms_in, &x, e);
}

/* ---- reading ------------------------------------------------------------------------------ */

int user_list(const struct inv_ctx *c, int active, enum inv_role role, struct dm_arena *a,
              const struct user **ret, size_t *ret_n, struct dm_err *e)
{
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    struct store_table rows;
    DM_TRY(inv_permit(c, INV_DO_USERS, e));
    DM_TRY(store_begin(c->store, STORE_READ, &tx, e));
    DM_TRY(store_all(tx, &queries[LIST],
                     STORE_ARGS(active < 0 ? store_null() : store_b(active > 0),
                                store_t(role == INV_ROLE_MAX_ ? NULL : inv_role_names[role])),
                     a, &rows, e));
    struct user *list = dm_arena_calloc(a, rows.n, sizeof(*list));
    if (!list) {
        DM_FAIL(e, DM_ENOMEM, "no memory for the list of users");
    }
    for (size_t i = 0; i < rows.n; i++) {
        user_from_row(store_row(&rows, i), &list[i], NULL);
    }
    *ret = list;
    *ret_n = rows.n;
    return DM_OK;
}

static int find_one(const struct inv_ctx *c, int query, struct store_value key, struct dm_arena *a,
                    struct user *ret, struct dm_err *e)
{
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    const struct store_value *row;
    DM_TRY(store_begin(c->store, STORE_READ, &tx, e));
    const int found = store_maybe(tx, &queries[query], STORE_ARGS(key), a, &row, e);
    DM_TRY(found);
    if (!found) {
        DM_FAIL(e, INV_NOT_FOUND, "there is no such user");
    }
    user_from_row(row, ret, NULL);
    return DM_OK;
}

int user_get(const struct inv_ctx *c, int64_t user_id, struct dm_arena *a, struct user *ret,
             struct dm_err *e)
{
    return find_one(c, BY_ID, store_i(user_id), a, ret, e);
}

int user_find(const struct inv_ctx *c, const char *email, struct dm_arena *a, struct user *ret,
              struct dm_err *e)
{
    const char *clean;
    DM_TRY(user_email_clean(email, a, &clean, e));
    return find_one(c, BY_EMAIL, store_t(clean), a, ret, e);
}

int user_system(struct store_tx *tx, int64_t *ret_id, struct dm_err *e)
{
    return store_int(tx, &queries[SYSTEM], STORE_NO_ARGS, ret_id, e);
}
