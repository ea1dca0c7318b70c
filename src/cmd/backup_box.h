/* SPDX-License-Identifier: Apache-2.0
 *
 * Where backups are, from the settings; and the lock that lets one process at a time make or remove
 * them. */
#ifndef CMD_BACKUP_BOX_H
#define CMD_BACKUP_BOX_H

#include "backup/backup.h"
#include "cmd/cmd.h"

struct backup_box {
    struct cmd_run *r;
    struct backup_site site;
    struct blob *place;
    const char *url;    /* of the place; holds no secret. In the run's arena */
    struct store *lock; /* whose duty is renewed while work goes on; NULL: none is held */
    int64_t renewed_ms, drawn_ms;
    char holder[100];
};

/* given: dir:FOLDER, s3:BUCKET/PREFIX or a folder; NULL or "": backup.url, else the folder backups
 * in data.dir. make: create the folder when it is missing (DM_ENOTFOUND otherwise). b stays where
 * it is until closed. */
DM_MUST_CHECK int backup_box_open(struct cmd_run *r, const char *given, bool make,
                                  struct backup_box *b, struct dm_err *e);
/* Accepts a zeroed box. */
void backup_box_close(struct backup_box *b);

/* Take one, with the settings and the list of models: what create and run do. DM_EBUSY: another
 * process makes or removes backups of this instance. */
DM_MUST_CHECK int backup_box_create(struct backup_box *b, struct dm_arena *a,
                                    struct backup_made *ret, struct dm_err *e);

/* The id given, or that of the newest backup for "" and "latest". DM_ENOTFOUND: there is none. */
DM_MUST_CHECK int backup_box_pick(struct backup_box *b, const char *given, const char **ret,
                                  struct dm_err *e);

/* Remove what need not be kept, as backup.keep_daily and keep_monthly say. DM_EBUSY likewise. */
DM_MUST_CHECK int backup_box_prune(struct backup_box *b, bool dry_run, struct backup_pruned *ret,
                                   struct dm_err *e);

#endif
