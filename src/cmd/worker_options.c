/* SPDX-License-Identifier: Apache-2.0
 *
 * Options of a worker from the settings. */
#include "cmd/worker_options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

enum { IO_PLACES = 50, QUEUES_MAX = 16 };

/* Groups of queues, as people name them, and the pool each queue's jobs mostly need. */
static const struct {
    const char *group, *queue;
    bool io;
} groups[] = {
    {"cpu", "gpu_queue", false}, {"cpu", "cpu_queue", false}, {"cpu", "default", false},
    {"io", "io_queue", true},    {"all", "gpu_queue", false}, {"all", "cpu_queue", false},
    {"all", "default", false},   {"all", "io_queue", true},
};

bool worker_queue_transfers(const char *queue)
{
    for (size_t i = 0; i < DM_COUNT(groups); i++) {
        if (!strcmp(groups[i].queue, queue)) {
            return groups[i].io;
        }
    }
    return false;
}

const char *worker_carrier_url(const struct cmd_run *r)
{
    const struct settings_values *v = &r->settings.v;
    const char *const urls[] = {v->queue_url, v->queue_broker_url, v->queue_redis_url};
    for (size_t i = 0; i < DM_COUNT(urls); i++) {
        if (urls[i][0]) {
            return urls[i];
        }
    }
    return "";
}

int worker_carrier_open(struct cmd_run *r, struct queue_carrier **ret, struct dm_err *e)
{
    return queue_carrier_open(worker_carrier_url(r), r->settings.v.queue_redis_password, ret, e);
}

/* Bytes that this control group may use; 0: no limit, or nobody says. */
static int64_t group_memory(void)
{
    char line[64] = "";
    FILE *f = fopen("/sys/fs/cgroup/memory.max", "re");
    const char *got = f ? fgets(line, sizeof(line), f) : NULL;
    if (f) {
        (void)fclose(f);
    }
    return got ? strtoll(line, NULL, 10) : 0; /* "max" is 0 */
}

struct choice {
    const char *queue[QUEUES_MAX];
    size_t n;
    bool cpu, io;
};

static int add_queue(struct choice *c, const char *queue, bool io, struct dm_err *e)
{
    for (size_t i = 0; i < c->n; i++) {
        if (!strcmp(c->queue[i], queue)) {
            return DM_OK;
        }
    }
    if (c->n == QUEUES_MAX) {
        DM_FAIL(e, DM_EBADINPUT, "more than %d queues", QUEUES_MAX);
    }
    c->queue[c->n++] = queue;
    *(io ? &c->io : &c->cpu) = true;
    return DM_OK;
}

static int add_word(struct choice *c, const char *word, struct dm_err *e)
{
    bool found = false;
    for (size_t i = 0; i < DM_COUNT(groups); i++) {
        bool whole = !strcmp(groups[i].group, word);
        if (whole || (!found && !strcmp(groups[i].queue, word))) {
            DM_TRY(add_queue(c, groups[i].queue, groups[i].io, e));
            found = true;
        }
    }
    if (!found) {
        DM_FAIL(e, DM_EBADINPUT,
                "\"%.40s\" is no queue; there are gpu_queue, cpu_queue, default, io_queue, and "
                "their groups cpu, io, all",
                word);
    }
    return DM_OK;
}

static int choose(struct cmd_run *r, const char *wanted, struct choice *c, struct dm_err *e)
{
    const char *at = wanted;
    while (*at) {
        size_t n = strcspn(at, ", ");
        const char *word = n ? dm_arena_strndup(&r->arena, at, n) : "";
        if (!word) {
            DM_FAIL(e, DM_ENOMEM, "no memory for names of queues");
        }
        DM_TRY(n ? add_word(c, word, e) : DM_OK);
        at += n + (at[n] != '\0');
    }
    if (!c->n) {
        DM_FAIL(e, DM_EBADINPUT, "a worker needs a queue");
    }
    return DM_OK;
}

int worker_options(struct cmd_run *r, const char *wanted, int places,
                   struct queue_worker_options *ret, struct dm_err *e)
{
    const struct settings_values *v = &r->settings.v;
    struct choice c = {0};
    DM_TRY(choose(r, wanted ? wanted : v->worker_queues, &c, e));
    const char **queues = dm_arena_calloc(&r->arena, c.n, sizeof(*queues));
    if (!queues) {
        DM_FAIL(e, DM_ENOMEM, "no memory for names of queues");
    }
    memcpy(queues, c.queue, c.n * sizeof(*queues));
    if (v->worker_pool != SETTINGS_POOL_AUTO && (v->worker_pool == SETTINGS_POOL_ASYNC) != c.io) {
        DM_FAIL(e, DM_EBADINPUT,
                "worker.pool does not fit these queues: prefork counts, async "
                "transfers");
    }
    places = places ? places : v->worker_concurrency;
    int cpu = places && c.cpu ? places : (int)dm_cpu_count();
    int io = places && !c.cpu ? places : IO_PLACES;
    struct queue_worker_options o = {
        .queues = queues,
        .n_queues = c.n,
        .cpu = c.cpu ? cpu : 0,
        .io = c.io ? io : 0,
        .name = v->worker_name,
        .carrier = worker_carrier_url(r),
        .carrier_password = v->queue_redis_password,
        .memory_bytes = (int64_t)v->worker_max_memory_mb << 20,
        .max_jobs = v->worker_max_jobs ? v->worker_max_jobs : -1,
        .drain_ms = v->worker_drain_s * 1000,
        .lease_ms = v->worker_lease_s * 1000,
        .sweep_ms = v->worker_sweep_s * 1000,
    };
    if (!o.memory_bytes && o.cpu) {
        o.memory_bytes = group_memory() / 10 * 8 / o.cpu;
    }
    *ret = o;
    return DM_OK;
}
