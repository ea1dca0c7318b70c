/* SPDX-License-Identifier: Apache-2.0
 *
 * What `demeter count` prints on standard output: one row of a table per format. Rows arrive in the
 * order of the inputs. */
#ifndef CMD_REPORT_H
#define CMD_REPORT_H

#include "cmd/cmd.h"
#include "cmd/photo.h"

enum { REPORT_NOTES_MAX = 32 };

/* Running totals and what a format needs to lay out its lines. */
struct report {
    struct cmd_run *r;
    const struct report_format *format;
    const struct inputs *inputs;
    size_t n_done, n_failed, n_printed;
    uint64_t detected, estimated, total;
    double seconds; /* wall time of the run so far; the caller keeps it */
    size_t path_width;
    struct report_note { /* a warning and how many photos had it */
        const char *text;
        size_t n;
    } note[REPORT_NOTES_MAX]; /* further ones are only counted in the metrics */
    size_t n_notes;
};

struct report_format {
    const char *name; /* of the flag, "" for people */
    bool needs_json;
    void (*begin)(struct report *p);
    /* Print one photo, counted or failed. DM_ENOMEM. */
    int (*photo)(struct report *p, const struct photo_row *row, struct dm_err *e);
    void (*end)(struct report *p);
};

/* For people: two lines for a single photo, a table for several. */
extern const struct report_format report_text;
/* "json", "ndjson", "csv", "geojson"; ended by name NULL. */
extern const struct report_format report_formats[];

/* Add a row to the totals and print it. */
DM_MUST_CHECK int report_photo(struct report *p, const struct photo_row *row, struct dm_err *e);

/* Print the warnings of all photos, each once. */
void report_notes(const struct report *p);

/* "2 segmentos, 1 cajón", "whole photo". In a. */
const char *report_containers(struct cmd_run *r, const struct photo_row *row);

#endif
