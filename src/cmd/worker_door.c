/* SPDX-License-Identifier: Apache-2.0
 *
 * The child of a worker that says how it is. */
#include "cmd/worker_door.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "api/api.h"
#include "base/log.h"
#include "cmd/books.h"
#include "cmd/side_door.h"
#include "cmd/version.h"
#include "cmd/worker_options.h"
#include "queue/carrier.h"

enum { AGAIN_S = 2 }; /* between two tries to reach the database */

struct door {
    struct cmd_run *r;
    struct books books;
    struct queue_carrier *carrier;
    struct api *api;
    struct side_door side;
};

static int door_open(struct door *d, struct telemetry *t, struct dm_err *e)
{
    struct cmd_run *r = d->r;
    DM_TRY(worker_carrier_url(r)[0] ? worker_carrier_open(r, &d->carrier, e) : DM_OK);
    const struct api_options o = {
        .store = d->books.store,
        .carrier = d->carrier,
        .telemetry = t,
        .base_url = "",
        .data_dir = r->settings.v.data_dir,
        .version = DEMETER_VERSION,
        .revision = version_commit(),
        .metrics_token = r->settings.v.metrics_token[0] ? r->settings.v.metrics_token : NULL,
    };
    DM_TRY(api_new(&o, &d->api, e));
    return side_door_open(r, d->api, &d->side, e);
}

static void door_close(struct door *d)
{
    side_door_close(&d->side);
    api_free(d->api);
    queue_carrier_close(d->carrier);
    books_close(&d->books);
}

/* A worker outlives its database, and so does its door. */
static bool books_reached(struct door *d, const sigset_t *ends)
{
    struct dm_err why = {0};
    while (books_open(d->r, &d->books, &why) < 0) {
        const struct timespec pause = {.tv_sec = AGAIN_S};
        books_close(&d->books);
        d->books = (struct books){0};
        if (sigtimedwait(ends, NULL, &pause) > 0) {
            return false;
        }
    }
    return true;
}

static void door_main(struct cmd_run *r, struct telemetry *t)
{
    struct door d = {.r = r};
    struct dm_err why = {0};
    sigset_t ends;
    (void)sigemptyset(&ends);
    (void)sigaddset(&ends, SIGTERM);
    (void)sigaddset(&ends, SIGINT);
    (void)pthread_sigmask(SIG_BLOCK, &ends, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    api_setup();
    if (!books_reached(&d, &ends)) {
        return;
    }
    if (door_open(&d, t, &why) < 0) {
        dm_log(DM_LOG_WARNING, "no health and metrics of this worker",
               DM_S("error", dm_err_text(&why)));
    } else if (d.side.server) {
        while (sigwaitinfo(&ends, NULL) < 0 && errno == EINTR) {
        }
    }
    door_close(&d);
}

int worker_door_fork(struct cmd_run *r, struct telemetry *t, struct dm_err *e)
{
    const char *host = NULL;
    int port = 0;
    DM_TRY(side_door_place(r, &host, &port, e));
    if (!host) {
        return DM_OK;
    }
    const pid_t keeper = getpid();
    (void)fflush(NULL);
    const pid_t pid = fork();
    if (pid < 0) {
        DM_FAIL(e, DM_EIO, "no process for the health of a worker");
    }
    if (pid == 0) {
        (void)prctl(PR_SET_NAME, "demeter-door");
        (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (getppid() == keeper) {
            door_main(r, t);
        }
        _exit(0);
    }
    return DM_OK;
}
