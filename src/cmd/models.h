/* SPDX-License-Identifier: Apache-2.0
 *
 * Where model files are looked for. */
#ifndef CMD_MODELS_H
#define CMD_MODELS_H

#include "cmd/cmd.h"

enum models_slot { MODELS_DETECT, MODELS_SEGMENT, MODELS_MAX_ };

/* "plants-detect.onnx", "containers-segment.onnx" */
extern const char *const models_names[MODELS_MAX_];

/* Folders searched, in order: the setting model.dir, ../share/demeter/models beside the program,
 * the installed place, ./models. NULL-ended, in r->arena; NULL when out of memory. */
const char *const *models_folders(struct cmd_run *r);

/* Where the int8 calibration of a model lies: beside it. In a; NULL when out of memory. */
const char *models_calibration(struct dm_arena *a, const char *model);

/* Path of the model for a slot, in r->arena. A name given in the settings is taken as it stands
 * when it exists, else looked up in the folders; a name in .pt is looked up as .onnx. Without one
 * the usual name is searched. *ret "" when a segment model is switched off ("none") or nowhere.
 * DM_ENOTFOUND: a model named but missing, or no detect model anywhere; in the user's words, with
 * the cure. */
DM_MUST_CHECK int models_find(struct cmd_run *r, enum models_slot slot, const char **ret,
                              struct dm_err *e);

#endif
