/* SPDX-License-Identifier: Apache-2.0
 *
 * Fork-join thread pool: one run at a time, items handed out by an atomic counter. */
#include "base/pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"

/* Locking: turn           - held for a whole run: runs take turns
 *          fn, ctx, n     - set by the runner under mu before generation moves; read-only in a run
 *          generation, quit, busy, failed_item, error - mu
 *          next, stop     - atomic */
struct dm_pool {
    pthread_mutex_t turn;
    pthread_mutex_t mu;
    pthread_cond_t work;
    pthread_cond_t idle;
    dm_pool_fn fn;
    void *ctx;
    size_t n;
    _Atomic size_t next;
    _Atomic bool stop;
    unsigned long generation;
    size_t busy;
    bool quit;
    bool failed;
    size_t failed_item;
    struct dm_err error;
    size_t threads; /* including the caller of a run */
    struct worker {
        pthread_t thread;
        struct dm_pool *pool;
        size_t index;
    } workers[];
};

/* "max 100000" or "150000 100000": microseconds of processor time a period. */
static size_t cgroup_quota(void)
{
    char line[64] = "";
    FILE *f = fopen("/sys/fs/cgroup/cpu.max", "re");
    if (f) {
        if (!fgets(line, sizeof(line), f)) {
            line[0] = '\0';
        }
        (void)fclose(f);
    }
    char *end;
    long quota = strtol(line, &end, 10); /* 0 for "max" */
    long period = strtol(end, NULL, 10);
    return quota > 0 && period > 0 ? (size_t)((quota + period - 1) / period) : LIMIT_THREADS;
}

size_t dm_cpu_count(void)
{
    cpu_set_t set;
    size_t n = 1;
    if (sched_getaffinity(0, sizeof(set), &set) == 0) {
        n = (size_t)CPU_COUNT(&set);
    }
    n = DM_MIN(n, cgroup_quota());
    return DM_CLAMP(n, (size_t)1, (size_t)LIMIT_THREADS);
}

static void take_items(struct dm_pool *p, size_t worker)
{
    for (;;) {
        size_t item = atomic_fetch_add(&p->next, 1);
        if (item >= p->n || atomic_load(&p->stop)) {
            return;
        }
        struct dm_err e = {0};
        int code = p->fn(p->ctx, item, worker, &e);
        if (code < 0) {
            e.code = code;
            atomic_store(&p->stop, true);
            (void)pthread_mutex_lock(&p->mu);
            if (!p->failed || item < p->failed_item) {
                p->failed = true;
                p->failed_item = item;
                p->error = e;
            }
            (void)pthread_mutex_unlock(&p->mu);
        }
    }
}

static void *worker_main(void *arg)
{
    struct worker *w = arg;
    struct dm_pool *p = w->pool;
    unsigned long seen = 0;
    (void)pthread_mutex_lock(&p->mu);
    for (;;) {
        while (!p->quit && p->generation == seen) {
            (void)pthread_cond_wait(&p->work, &p->mu);
        }
        if (p->quit) {
            break;
        }
        seen = p->generation;
        (void)pthread_mutex_unlock(&p->mu);
        take_items(p, w->index);
        (void)pthread_mutex_lock(&p->mu);
        if (--p->busy == 0) {
            (void)pthread_cond_signal(&p->idle);
        }
    }
    (void)pthread_mutex_unlock(&p->mu);
    return NULL;
}

int dm_pool_new(size_t threads, struct dm_pool **ret, struct dm_err *e)
{
    if (threads == 0) {
        threads = dm_cpu_count();
    }
    if (threads > LIMIT_THREADS) {
        DM_FAIL(e, DM_ELIMIT, "%zu threads, the limit is %d", threads, LIMIT_THREADS);
    }
    struct dm_pool *p = dm_calloc(1, sizeof(*p) + threads * sizeof(p->workers[0]));
    if (!p) {
        DM_FAIL(e, DM_ENOMEM, "no memory for a pool of %zu threads", threads);
    }
    (void)pthread_mutex_init(&p->turn, NULL);
    (void)pthread_mutex_init(&p->mu, NULL);
    (void)pthread_cond_init(&p->work, NULL);
    (void)pthread_cond_init(&p->idle, NULL);
    for (p->threads = 1; p->threads < threads; p->threads++) {
        struct worker *w = &p->workers[p->threads];
        *w = (struct worker){.pool = p, .index = p->threads};
        int err = pthread_create(&w->thread, NULL, worker_main, w);
        if (err) {
            dm_pool_free(p);
            DM_FAIL(e, DM_EAGAIN, "cannot start a thread: %s", strerror(err));
        }
    }
    *ret = p;
    return DM_OK;
}

void dm_pool_free(struct dm_pool *p)
{
    if (!p) {
        return;
    }
    (void)pthread_mutex_lock(&p->mu);
    p->quit = true;
    (void)pthread_cond_broadcast(&p->work);
    (void)pthread_mutex_unlock(&p->mu);
    for (size_t i = 1; i < p->threads; i++) {
        (void)pthread_join(p->workers[i].thread, NULL);
    }
    (void)pthread_cond_destroy(&p->idle);
    (void)pthread_cond_destroy(&p->work);
    (void)pthread_mutex_destroy(&p->mu);
    (void)pthread_mutex_destroy(&p->turn);
    dm_free(p);
}

size_t dm_pool_size(const struct dm_pool *p)
{
    return p ? p->threads : 1;
}

static int run_alone(size_t n, dm_pool_fn fn, void *ctx, struct dm_err *e)
{
    for (size_t i = 0; i < n; i++) {
        DM_TRY(fn(ctx, i, 0, e));
    }
    return DM_OK;
}

int dm_pool_run(struct dm_pool *p, size_t n, dm_pool_fn fn, void *ctx, struct dm_err *e)
{
    if (!p || p->threads == 1) {
        return run_alone(n, fn, ctx, e);
    }
    (void)pthread_mutex_lock(&p->turn);
    (void)pthread_mutex_lock(&p->mu);
    p->fn = fn;
    p->ctx = ctx;
    p->n = n;
    p->failed = false;
    p->busy = p->threads - 1;
    atomic_store(&p->next, 0);
    atomic_store(&p->stop, false);
    p->generation++;
    (void)pthread_cond_broadcast(&p->work);
    (void)pthread_mutex_unlock(&p->mu);
    take_items(p, 0);
    (void)pthread_mutex_lock(&p->mu);
    while (p->busy > 0) {
        (void)pthread_cond_wait(&p->idle, &p->mu);
    }
    int code = p->failed ? p->error.code : DM_OK;
    if (p->failed && e) {
        *e = p->error;
    }
    (void)pthread_mutex_unlock(&p->mu);
    (void)pthread_mutex_unlock(&p->turn);
    return code;
}
