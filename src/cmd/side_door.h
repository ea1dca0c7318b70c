/* SPDX-License-Identifier: Apache-2.0
 *
 * Health and metrics of a process that is no web server otherwise (worker, monitor, backup): a
 * small server of its own on metrics.listen (deployment.md 4, 5.1). */
#ifndef CMD_SIDE_DOOR_H
#define CMD_SIDE_DOOR_H

#include "api/api.h"
#include "cmd/cmd.h"
#include "http/http.h"

struct side_door {
    struct http_app app; /* it and the options are borrowed by the server: this struct stays */
    struct http_options options;
    struct http_server *server; /* NULL: there is none */
};

/* Host and port of metrics.listen; the host in the run's arena, NULL when it is empty (no side
 * door). DM_EBADINPUT. */
DM_MUST_CHECK int side_door_place(struct cmd_run *r, const char **ret_host, int *ret_port,
                                  struct dm_err *e);

/* Listen for a process whose API this is. That others of this machine have the port already is a
 * warning in the log and no error. d stays where it is until side_door_close. */
DM_MUST_CHECK int side_door_open(struct cmd_run *r, struct api *api, struct side_door *d,
                                 struct dm_err *e);
void side_door_close(struct side_door *d);

#endif
