/* SPDX-License-Identifier: Apache-2.0
 *
 * Between the files of the frame. */
#ifndef API_API_PRIV_H
#define API_API_PRIV_H

#include <pthread.h>
#include <stdatomic.h>

#include "api/api.h"
#include "base/clock.h"
#include "http/tus.h"

/* Settings as they were at one instant; whoever uses them holds a reference. */
struct api_ground {
    struct inv_settings settings;
    struct dm_zone *zone;
    struct dm_arena arena;
    dm_usec read_at;
    unsigned refs; /* under api.mu */
};

/* How often an address may sign in: a window of a minute for each of a few thousand addresses. */
struct api_limit;
DM_MUST_CHECK int api_limit_new(int64_t per_minute, struct api_limit **ret, struct dm_err *e);
void api_limit_free(struct api_limit *l); /* accepts NULL */
/* One more: DM_OK, or INV_RATE_LIMITED with retry_after_s, limit, window_s. l NULL: no limit. */
DM_MUST_CHECK int api_limit_take(struct api_limit *l, const char *address, int64_t now_ms,
                                 struct dm_err *e);
/* The same without counting one. */
DM_MUST_CHECK int api_limit_look(struct api_limit *l, const char *address, int64_t now_ms,
                                 struct dm_err *e);

/* How long an unfinished upload is kept, and one that was announced by POST
 * /images/presigned-upload; how long the address of the latter holds (api.md 13.1). */
enum { API_UPLOAD_DAYS = 7, API_ANNOUNCED_S = 3600, API_PUT_S = 900 };

/* Locking: ground - mu; draining, resumed, announced - _Atomic; the rest is read-only after
 * api_new. */
struct state;
struct api {
    struct api_options o;
    struct api_limit *logins;
    pthread_mutex_t mu;
    struct api_ground *ground;
    _Atomic bool draining;
    struct tus_place resumed, announced; /* uploads that are unfinished; dir "" without photos */
    char resumed_dir[4096], announced_dir[4096];
    dm_usec started;
    pthread_mutex_t ready_mu;
    struct state *ready; /* what /health/ready saw last, and when; ready_mu */
    dm_usec ready_at;
};

struct api_caller {
    struct api *api;
    struct principal who;
    struct inv_ctx ctx;
    struct api_ground *ground;
    char request_id[37]; /* as long as the column of the audit trail */
    char remote[46];
};

/* The hooks of struct http_app. */
int api_guard(struct http_request *r, struct dm_err *e);
void api_forget(void *caller);
void api_trace(const struct http_request *r);
void api_state(struct http_request *r, char ret[static HTTP_STATE_SIZE]);
int api_replay(struct http_request *r, const char *key, struct http_kept *ret, struct dm_err *e);
int api_keep(struct http_request *r, const char *key, const struct http_kept *reply,
             struct dm_err *e);
void api_done(const struct http_request *r, int status, const char *error_class, double ms);
void api_classify(int code, const char **ret_class, const char **ret_rule);

/* Gauges that are looked up; ctx is the api. */
void api_fill(void *ctx, struct telemetry *t);

/* The settings of now. Released by api_forget. */
DM_MUST_CHECK int api_ground_take(struct api *api, struct api_ground **ret, struct dm_err *e);
void api_ground_give(struct api *api, struct api_ground *g);

#endif
