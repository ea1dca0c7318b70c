/* SPDX-License-Identifier: Apache-2.0
 *
 * The documentation page: files of src/http/docs, built into the program. */
#ifndef HTTP_DOCS_H
#define HTTP_DOCS_H

#include <stddef.h>

struct http_docs_file {
    const char *name, *bytes;
    size_t n;
};
extern const struct http_docs_file http_docs_files[]; /* ends with a row without a name */

#endif
