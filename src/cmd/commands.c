/* SPDX-License-Identifier: Apache-2.0
 *
 * The command table. */
#include "cmd/commands.h"

const struct cmd *const commands[] = {
    &cmd_api,     &cmd_backup, &cmd_completion, &cmd_config,      &cmd_count,
    &cmd_db,      &cmd_doctor, &cmd_export,     &cmd_healthcheck, &cmd_help,
    &cmd_import,  &cmd_ingest, &cmd_label,      &cmd_migrate,     &cmd_model,
    &cmd_monitor, &cmd_report, &cmd_restore,    &cmd_seed_demo,   &cmd_serve,
    &cmd_synth,   &cmd_token,  &cmd_user,       &cmd_verify,      &cmd_version,
    &cmd_worker,  NULL,
};
