/* SPDX-License-Identifier: Apache-2.0
 *
 * Hooks, deliveries and their log. */
#include "inventory/webhooks.h"

#include <string.h>

#include <curl/curl.h>
#include <sodium.h>

#include "inventory/json.h"

const char *const webhooks_events[] = {"count.manual", "movement.created",
                                       "reconciliation.reviewed", "session.completed", NULL};

enum { COUNT, ADD, READ, WRITE, REMOVE, WANTED, DELIVERY, REPLAY, TO_SEND, OUTCOME };

static const struct store_query queries[] = {
    [COUNT] = {"webhooks.count", "SELECT count(*) FROM webhooks", "", "i", false},
    [ADD] =
        {"webhooks.add",
         "INSERT INTO webhooks (uuid, url, secret, events, user_id) VALUES (?1, ?2, ?3, ?4, ?5)",
         "uttji", "", false},
    [READ] = {"webhooks.read",
              "SELECT id, url, events, active FROM webhooks WHERE uuid = ?1 {for_update}", "u",
              "itjb", false},
    [WRITE] = {"webhooks.write",
               "UPDATE webhooks SET url = ?2, events = ?3, active = ?4, updated_at = ?5 WHERE id ="
               " ?1",
               "itjbT", "", false},
    [REMOVE] = {"webhooks.remove", "DELETE FROM webhooks WHERE uuid = ?1", "u", "", false},
    [WANTED] = {"webhooks.wanted",
                "SELECT id FROM webhooks WHERE active AND CAST(events AS TEXT) LIKE ?1 ORDER BY id",
                "t", "i", false},
    [DELIVERY] = {"webhooks.delivery",
                  "INSERT INTO webhook_deliveries (uuid, webhook_id, event, payload) VALUES"
                  " (?1, ?2, ?3, ?4)",
                  "uitj", "", false},
    [REPLAY] = {"webhooks.replay",
                "SELECT d.webhook_id, d.event, d.payload FROM webhook_deliveries d JOIN webhooks w"
                " ON w.id = d.webhook_id WHERE d.uuid = ?1 AND w.uuid = ?2",
                "uu", "itj", false},
    [TO_SEND] = {"webhooks.to_send",
                 "SELECT d.id, d.event, d.payload, w.url, w.secret, d.status FROM"
                 " webhook_deliveries d JOIN webhooks w ON w.id = d.webhook_id WHERE d.uuid = ?1",
                 "u", "itjttt", false},
    [OUTCOME] = {"webhooks.outcome",
                 "UPDATE webhook_deliveries SET status = ?2, attempts = ?3, response_status = ?4,"
                 " error = ?5, delivered_at = CASE WHEN ?2 = 'delivered' THEN ?6 END, updated_at ="
                 " ?6 WHERE id = ?1",
                 "itiitT", "", false},
};
STORE_QUERIES(webhooks_queries, queries);

/* ---- lists -------------------------------------------------------------------------------- */

static const struct list_column hook_columns[] = {
    {"id", "w.uuid", 'u', LIST_AS_IS},
    {"url", "w.url", 't', LIST_AS_IS},
    {"events", "w.events", 'j', LIST_AS_IS},
    {"active", "w.active", 'b', LIST_AS_IS},
    {"user_id", "w.user_id", 'i', LIST_AS_IS},
    {"created_at", "w.created_at", 'T', LIST_AS_IS},
    {"updated_at", "w.updated_at", 'T', LIST_AS_IS},
    {"failed_deliveries",
     "(SELECT count(*) FROM webhook_deliveries d WHERE d.webhook_id = w.id AND d.status = "
     "'failed')",
     'i', LIST_AS_IS},
};
static const struct list_filter hook_filters[] = {{"id", "w.uuid = ?", 'u'}};
const struct list list_webhooks = {
    .name = "list.webhooks",
    .from = "webhooks w",
    .order = "w.id",
    .action = INV_DO_SETTINGS,
    .column = hook_columns,
    .n_column = DM_COUNT(hook_columns),
    .filter = hook_filters,
    .n_filter = DM_COUNT(hook_filters),
};

static const struct list_column delivery_columns[] = {
    {"id", "d.uuid", 'u', LIST_AS_IS},
    {"webhook_id", "w.uuid", 'u', LIST_AS_IS},
    {"event", "d.event", 't', LIST_AS_IS},
    {"status", "d.status", 't', LIST_AS_IS},
    {"attempts", "d.attempts", 'i', LIST_AS_IS},
    {"response_status", "d.response_status", 'i', LIST_AS_IS},
    {"error", "d.error", 't', LIST_AS_IS},
    {"payload", "d.payload", 'j', LIST_AS_IS},
    {"created_at", "d.created_at", 'T', LIST_AS_IS},
    {"delivered_at", "d.delivered_at", 'T', LIST_AS_IS},
};
static const struct list_filter delivery_filters[] = {
    {"id", "d.uuid = ?", 'u'}, {"webhook_id", "w.uuid = ?", 'u'}, {"status", "d.status = ?", 't'}};
const struct list list_deliveries = {
    .name = "list.webhook_deliveries",
    .from = "webhook_deliveries d JOIN webhooks w ON w.id = d.webhook_id",
    .order = "d.id DESC",
    .action = INV_DO_SETTINGS,
    .column = delivery_columns,
    .n_column = DM_COUNT(delivery_columns),
    .filter = delivery_filters,
    .n_filter = DM_COUNT(delivery_filters),
};

/* ---- hooks -------------------------------------------------------------------------------- */

static bool known_event(const char *name)
{
    for (size_t i = 0; name && webhooks_events[i]; i++) {
        if (strcmp(webhooks_events[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static int check_url(const char *url, struct dm_err *e)
{
    if (!url || strlen(url) > 2000 ||
        (strncmp(url, "https://", 8) != 0 && strncmp(url, "http://", 7) != 0)) {
        DM_REFUSE(e, INV_VALIDATION, DM_FIELDS(DM_S("field", "url")),
                  "a hook has an address that begins with https:// or http://");
    }
    return DM_OK;
}

static int check_events(const json_t *events, struct dm_err *e)
{
    bool fine = json_array_size(events) > 0;
    for (size_t i = 0; i < json_array_size(events); i++) {
        fine = fine && known_event(json_string_value(json_array_get(events, i)));
    }
    if (!fine) {
        DM_REFUSE(e, INV_VALIDATION, DM_FIELDS(DM_S("field", "events")),
                  "a hook wants at least one of the events there are");
    }
    return DM_OK;
}

static int no_hook(const char *uuid, struct dm_err *e)
{
    DM_REFUSE(e, INV_NOT_FOUND, DM_FIELDS(DM_S("resource", "webhook"), DM_S("identifier", uuid)),
              "there is no such webhook");
}

struct call {
    const struct inv_ctx *c;
    const char *uuid, *url, *secret, *other;
    const json_t *json;
};

static int add_in(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    const struct call *x = ctx;
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    const char *events;
    int64_t n;
    DM_TRY(store_int(tx, &queries[COUNT], STORE_NO_ARGS, &n, e));
    if (n >= WEBHOOKS_MAX) {
        DM_FAIL(e, INV_IN_USE, "there are %d webhooks already", WEBHOOKS_MAX);
    }
    DM_TRY(inv_json_text(x->json, &a, &events, e));
    DM_TRY(store_exec(tx, &queries[ADD],
                      STORE_ARGS(store_u(x->uuid), store_t(x->url), store_t(x->secret),
                                 store_j(events), store_i(x->c->user_id)),
                      NULL, e));
    return audit_write_named(tx, x->c, "create", "webhooks", x->uuid, NULL, NULL, e);
}

int webhooks_add(const struct inv_ctx *c, const char *url, const json_t *events,
                 char ret_uuid[static STORE_UUID_SIZE],
                 char ret_secret[static WEBHOOKS_SECRET_SIZE], struct dm_err *e)
{
    unsigned char bytes[(WEBHOOKS_SECRET_SIZE - 1) / 2];
    struct call x = {.c = c, .uuid = ret_uuid, .url = url, .secret = ret_secret, .json = events};
    DM_TRY(inv_permit(c, INV_DO_SETTINGS, e));
    DM_TRY(check_url(url, e));
    DM_TRY(check_events(events, e));
    store_uuid_new(ret_uuid);
    randombytes_buf(bytes, sizeof(bytes));
    (void)sodium_bin2hex(ret_secret, WEBHOOKS_SECRET_SIZE, bytes, sizeof(bytes));
    return store_run(c->store, STORE_WRITE, add_in, &x, e);
}

static int change_in(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    const struct call *x = ctx;
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    const struct store_value *v;
    const char *url = inv_json_str(x->json, "url");
    const json_t *events = json_object_get(x->json, "events");
    const json_t *active = json_object_get(x->json, "active");
    const char *text;
    const int found = store_maybe(tx, &queries[READ], STORE_ARGS(store_u(x->uuid)), &a, &v, e);
    DM_TRY(found);
    if (!found) {
        return no_hook(x->uuid, e);
    }
    text = v[2].t;
    DM_TRY(events ? inv_json_text(events, &a, &text, e) : DM_OK);
    DM_TRY(store_exec(tx, &queries[WRITE],
                      STORE_ARGS(v[0], store_t(url ? url : v[1].t), store_j(text),
                                 store_b(json_is_boolean(active) ? json_is_true(active) : v[3].b),
                                 store_at(x->c->now_ms)),
                      NULL, e));
    return audit_write_named(tx, x->c, "update", "webhooks", x->uuid, NULL, x->json, e);
}

int webhooks_change(const struct inv_ctx *c, const char *uuid, const json_t *change,
                    struct dm_err *e)
{
    struct call x = {.c = c, .uuid = uuid, .json = change};
    DM_TRY(inv_permit(c, INV_DO_SETTINGS, e));
    DM_TRY(json_object_get(change, "url") ? check_url(inv_json_str(change, "url"), e) : DM_OK);
    DM_TRY(json_object_get(change, "events") ? check_events(json_object_get(change, "events"), e)
                                             : DM_OK);
    return store_run(c->store, STORE_WRITE, change_in, &x, e);
}

static int delete_in(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    const struct call *x = ctx;
    int64_t n;
    DM_TRY(store_exec(tx, &queries[REMOVE], STORE_ARGS(store_u(x->uuid)), &n, e));
    if (!n) {
        return no_hook(x->uuid, e);
    }
    return audit_write_named(tx, x->c, "delete", "webhooks", x->uuid, NULL, NULL, e);
}

int webhooks_delete(const struct inv_ctx *c, const char *uuid, struct dm_err *e)
{
    struct call x = {.c = c, .uuid = uuid};
    DM_TRY(inv_permit(c, INV_DO_SETTINGS, e));
    return store_run(c->store, STORE_WRITE, delete_in, &x, e);
}

/* ---- deliveries --------------------------------------------------------------------------- */

/* The row and its job; the job's payload names the delivery. */
static int deliver(struct store_tx *tx, const struct inv_ctx *c, int64_t hook_id, const char *event,
                   const char *payload, char ret_uuid[static STORE_UUID_SIZE], struct dm_err *e)
{
    char job[80];
    store_uuid_new(ret_uuid);
    DM_TRY(store_exec(
        tx, &queries[DELIVERY],
        STORE_ARGS(store_u(ret_uuid), store_i(hook_id), store_t(event), store_j(payload)), NULL,
        e));
    (void)snprintf(job, sizeof(job), "{\"delivery\":\"%s\"}", ret_uuid);
    const struct queue_new n = {.kind = QUEUE_WEBHOOK,
                                .payload = job,
                                .user_id = c->user_id,
                                .priority = QUEUE_ANY_PRIORITY};
    const int added = queue_push(tx, c->now_ms, &n, NULL, e);
    return added < 0 ? added : DM_OK;
}

int webhooks_emit(struct store_tx *tx, const struct inv_ctx *c, const char *event,
                  const json_t *payload, struct dm_err *e)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    struct store_table hooks;
    const char *text;
    char like[64];
    char uuid[STORE_UUID_SIZE];
    DM_BUG_UNLESS(known_event(event));
    (void)snprintf(like, sizeof(like), "%%\"%s\"%%", event);
    DM_TRY(store_all(tx, &queries[WANTED], STORE_ARGS(store_t(like)), &a, &hooks, e));
    DM_TRY(hooks.n ? inv_json_text(payload, &a, &text, e) : DM_OK);
    for (size_t i = 0; i < hooks.n; i++) {
        DM_TRY(deliver(tx, c, store_row(&hooks, i)[0].i, event, text, uuid, e));
    }
    return DM_OK;
}

static int tell_in(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    const struct call *x = ctx;
    return webhooks_emit(tx, x->c, x->other, x->json, e);
}

int webhooks_tell(const struct inv_ctx *c, const char *event, const json_t *payload,
                  struct dm_err *e)
{
    struct call x = {.c = c, .other = event, .json = payload};
    return store_run(c->store, STORE_WRITE, tell_in, &x, e);
}

struct replay {
    const struct inv_ctx *c;
    const char *hook, *delivery;
    char uuid[STORE_UUID_SIZE]; /* of the new one */
};

static int replay_in(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    struct replay *x = ctx;
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    const struct store_value *v;
    const int found = store_maybe(tx, &queries[REPLAY],
                                  STORE_ARGS(store_u(x->delivery), store_u(x->hook)), &a, &v, e);
    DM_TRY(found);
    if (!found) {
        DM_REFUSE(e, INV_NOT_FOUND,
                  DM_FIELDS(DM_S("resource", "delivery"), DM_S("identifier", x->delivery)),
                  "there is no such delivery");
    }
    DM_TRY(deliver(tx, x->c, v[0].i, v[1].t, v[2].t, x->uuid, e));
    return audit_write_named(tx, x->c, "replay", "webhook_deliveries", x->delivery, NULL, NULL, e);
}

int webhooks_replay(const struct inv_ctx *c, const char *hook, const char *delivery_uuid,
                    char ret_uuid[static STORE_UUID_SIZE], struct dm_err *e)
{
    struct replay x = {.c = c, .hook = hook, .delivery = delivery_uuid};
    DM_TRY(inv_permit(c, INV_DO_SETTINGS, e));
    DM_TRY(store_run(c->store, STORE_WRITE, replay_in, &x, e));
    memcpy(ret_uuid, x.uuid, sizeof(x.uuid));
    return DM_OK;
}

/* ---- sending ------------------------------------------------------------------------------ */

/* "t=...,v1=..." over the body. */
static void sign(const char *secret, int64_t seconds, const char *body, char *ret, size_t n)
{
    crypto_auth_hmacsha256_state st;
    unsigned char mac[crypto_auth_hmacsha256_BYTES];
    char hex[2 * sizeof(mac) + 1];
    char head[32];
    (void)snprintf(head, sizeof(head), "%lld.", (long long)seconds);
    crypto_auth_hmacsha256_init(&st, (const unsigned char *)secret, strlen(secret));
    crypto_auth_hmacsha256_update(&st, (const unsigned char *)head, strlen(head));
    crypto_auth_hmacsha256_update(&st, (const unsigned char *)body, strlen(body));
    crypto_auth_hmacsha256_final(&st, mac);
    (void)sodium_bin2hex(hex, sizeof(hex), mac, sizeof(mac));
    (void)snprintf(ret, n, "X-Demeter-Signature: t=%lld,v1=%s", (long long)seconds, hex);
}

static size_t ignore(const char *bytes, size_t size, size_t n, void *ctx)
{
    (void)bytes;
    (void)ctx;
    return size * n;
}

DM_DEFINE_CLEANUP(curl_closep, CURL *, curl_easy_cleanup)
DM_DEFINE_CLEANUP(curl_listp, struct curl_slist *, curl_slist_free_all)

/* v: the row of TO_SEND. Status of the answer, 0 without one. */
static long post(const struct store_value *v, const char *uuid, int64_t now_ms,
                 int (*perform)(void *unused, void *curl_easy), char *why, size_t n)
{
    DM_CLEANUP(curl_closep) CURL *h = curl_easy_init();
    DM_CLEANUP(curl_listp) struct curl_slist *head = NULL;
    char line[3][128];
    long status = 0;
    (void)snprintf(line[0], sizeof(line[0]), "X-Demeter-Event: %s", v[1].t);
    (void)snprintf(line[1], sizeof(line[1]), "X-Demeter-Delivery: %s", uuid);
    sign(v[4].t, now_ms / 1000, v[2].t, line[2], sizeof(line[2]));
    head = curl_slist_append(head, "Content-Type: application/json");
    for (size_t i = 0; h && head && i < DM_COUNT(line); i++) {
        head = curl_slist_append(head, line[i]);
    }
    if (!h || !head) {
        (void)snprintf(why, n, "out of memory");
        return 0;
    }
    (void)curl_easy_setopt(h, CURLOPT_URL, v[3].t);
    (void)curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(h, CURLOPT_POSTFIELDS, v[2].t);
    (void)curl_easy_setopt(h, CURLOPT_HTTPHEADER, head);
    (void)curl_easy_setopt(h, CURLOPT_TIMEOUT_MS, (long)WEBHOOKS_MS);
    (void)curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(h, CURLOPT_USERAGENT, "Demeter");
    (void)curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, ignore);
    const int code = perform(NULL, h);
    (void)curl_easy_getinfo(h, CURLINFO_RESPONSE_CODE, &status);
    (void)snprintf(why, n, "%s", code ? curl_easy_strerror((CURLcode)code) : "");
    if (!code && (status < 200 || status > 299)) {
        (void)snprintf(why, n, "the answer was %ld", status);
    }
    return code ? 0 : status;
}

struct outcome {
    int64_t id, attempts, now_ms;
    const char *status, *error;
    long response;
};

static int outcome_in(struct store_tx *tx, void *ctx, struct dm_err *e)
{
    const struct outcome *x = ctx;
    return store_exec(tx, &queries[OUTCOME],
                      STORE_ARGS(store_i(x->id), store_t(x->status), store_i(x->attempts),
                                 x->response ? store_i(x->response) : store_null(),
                                 store_t(x->error), store_at(x->now_ms)),
                      NULL, e);
}

int webhooks_send(struct store *s, const struct queue_job *j,
                  int (*perform)(void *unused, void *curl_easy), struct dm_err *e)
{
    DM_CLEANUP(dm_arena_clear) struct dm_arena a = {0};
    DM_CLEANUP(store_rollbackp) struct store_tx *tx = NULL;
    DM_CLEANUP(inv_json_freep) json_t *payload = json_loads(j->payload, 0, NULL);
    const char *uuid = inv_json_str(payload, "delivery");
    const struct store_value *v;
    char why[160] = "";
    DM_TRY(store_begin(s, STORE_READ, &tx, e));
    const int found =
        uuid ? store_maybe(tx, &queries[TO_SEND], STORE_ARGS(store_u(uuid)), &a, &v, e) : 0;
    DM_TRY(found);
    store_rollback(tx);
    tx = NULL;
    if (!found || strcmp(v[5].t, "delivered") == 0) {
        return DM_OK; /* its hook is gone, or an earlier run sent it */
    }
    const int64_t now_ms = store_now();
    const long status = post(v, uuid, now_ms, perform, why, sizeof(why));
    const bool taken = status >= 200 && status <= 299;
    const bool last = j->attempt >= j->max_attempts;
    struct outcome x = {.id = v[0].i,
                        .attempts = j->attempt,
                        .now_ms = now_ms,
                        .status = taken  ? "delivered"
                                  : last ? "failed"
                                         : "pending",
                        .error = taken ? NULL : why,
                        .response = status};
    DM_TRY(store_run(s, STORE_WRITE, outcome_in, &x, e));
    if (!taken) {
        DM_FAIL(e, DM_EIO, "webhook %s: %s", uuid, why);
    }
    return DM_OK;
}
