/* SPDX-License-Identifier: Apache-2.0
 *
 * A cpu child: one place, one job at a time, replaced after some jobs. */
#include <poll.h>
#include <stdint.h>
#include <unistd.h>

#include "base/log.h"
#include "queue/worker_priv.h"

enum { IDLE_MS = 10000 };

int queue_cpu_main(struct process *p)
{
    struct dm_err e = {0};
    struct slot *s = &p->sh->slot[p->self->first];
    int jobs = 0;
    if (queue_child_begin(p, QUEUE_POOL_CPU, &e) < 0) {
        queue_note(p, DM_LOG_ERROR, "cpu child cannot begin", &e);
        return CHILD_NOT_READY;
    }
    while (!atomic_load(&p->sh->stopping) && (p->o->max_jobs < 0 || jobs < p->o->max_jobs)) {
        struct pollfd news = {.fd = p->self->wake, .events = POLLIN};
        uint64_t n;
        if (atomic_load(&s->state) == SLOT_GIVEN) {
            queue_slot_run(p, s);
            jobs++;
            continue;
        }
        (void)poll(&news, 1, IDLE_MS);
        ssize_t got = read(p->self->wake, &n, sizeof(n));
        (void)got; /* nothing there: a time-out */
    }
    if (p->app->end) {
        p->app->end(p->app->ctx);
    }
    store_close(p->store);
    return CHILD_OK;
}
