/* SPDX-License-Identifier: Apache-2.0
 *
 * The web page inside the program: its files, made by web/embed.py at build. */
#ifndef API_PAGE_H
#define API_PAGE_H

#include <stddef.h>

struct http_request;
struct dm_err;

struct page_file {
    const char *name; /* "index.html", "assets/app-5ORFVOGX.js" */
    const char *type;
    const unsigned char *bytes;
    size_t n;
};

/* Ended by a row without a name; empty with -Dweb=disabled. */
extern const struct page_file page_files[];

/* Whether this program has a page. */
int page_exists(void);

/* Reply with a file of the page. INV_NOT_FOUND. */
int page_reply(struct http_request *r, const char *name, struct dm_err *e);

#endif
