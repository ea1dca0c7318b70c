/* SPDX-License-Identifier: Apache-2.0
 *
 * The rows of the command table; each is defined in its own cmd_NAME.c. */
#ifndef CMD_COMMANDS_H
#define CMD_COMMANDS_H

#include "cmd/cmd.h"

extern const struct cmd cmd_api;
extern const struct cmd cmd_backup;
extern const struct cmd cmd_backup_restore, cmd_backup_run; /* inside backup */
extern const struct cmd cmd_completion;
extern const struct cmd cmd_config;
extern const struct cmd cmd_count;
extern const struct cmd cmd_db;
extern const struct cmd cmd_doctor;
extern const struct cmd cmd_export;
extern const struct cmd cmd_healthcheck;
extern const struct cmd cmd_help;
extern const struct cmd cmd_import;
extern const struct cmd cmd_ingest;
extern const struct cmd cmd_label;
extern const struct cmd cmd_migrate;
extern const struct cmd cmd_model;
extern const struct cmd cmd_model_install, cmd_model_list, cmd_model_verify; /* inside model */
extern const struct cmd cmd_model_fetch, cmd_model_quantize;                 /* inside model */
extern const struct cmd cmd_monitor;
extern const struct cmd cmd_report;
extern const struct cmd cmd_restore;
extern const struct cmd cmd_seed_demo;
extern const struct cmd cmd_serve;
extern const struct cmd cmd_synth;
extern const struct cmd cmd_token;
extern const struct cmd cmd_user;
extern const struct cmd cmd_verify;
extern const struct cmd cmd_version;
extern const struct cmd cmd_worker;

#endif
