/* SPDX-License-Identifier: Apache-2.0
 *
 * Structured log on stderr: text on a terminal, one JSON object a line otherwise. Library code does
 * not log; cmd/ logs a failure once. */
#ifndef DM_BASE_LOG_H
#define DM_BASE_LOG_H

#include <stdbool.h>

#include "base/field.h"
#include "base/macros.h"

enum dm_log_level { DM_LOG_DEBUG, DM_LOG_INFO, DM_LOG_WARNING, DM_LOG_ERROR, DM_LOG_CRITICAL };

enum dm_log_format { DM_LOG_AUTO, DM_LOG_TEXT, DM_LOG_JSON };

/* Once, at start, before other threads. fd is borrowed. */
void dm_log_setup(int fd, enum dm_log_level lowest, enum dm_log_format format);

/* dm_log(DM_LOG_INFO, "photo counted", DM_S("photo", name), DM_I("plants", n)); one write a line.
 */
#define dm_log(level, ...)                                                                         \
    dm_log_fields_((level), DM_LOG_MESSAGE_(__VA_ARGS__, 0),                                       \
                   (const struct dm_field[]){DM_LOG_FIELDS_(__VA_ARGS__, {.type = DM_FIELD_END})})
#define DM_LOG_MESSAGE_(m, ...) (m)
#define DM_LOG_FIELDS_(m, ...)  __VA_ARGS__
void dm_log_fields_(enum dm_log_level level, const char *message, const struct dm_field *fields);

/* For another way out of the process (telemetry/span.h): line gets what is written, trace tells the
 * numbers that are added to each line, false for none. Before other threads; NULL: none. */
typedef void (*dm_log_line_fn)(enum dm_log_level level, const char *message,
                               const struct dm_field *fields);
typedef bool (*dm_log_trace_fn)(char trace[static 33], char span[static 17]);
void dm_log_tap(dm_log_line_fn line, dm_log_trace_fn trace);

#endif
