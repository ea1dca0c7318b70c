/* SPDX-License-Identifier: Apache-2.0
 *
 * The XML that S3 servers answer with: elements, text, the five entities and numbers. What XML can
 * do besides is skipped (declarations, comments, attributes) or refused (DTD, CDATA). */
#ifndef BLOB_S3_XML_H
#define BLOB_S3_XML_H

#include "base/error.h"

#define S3_XML_DEPTH    16
#define S3_XML_NAME_MAX 64
#define S3_XML_TEXT_MAX 4096

/* An element ends: its parent's name ("" for the root), its name, its own text (entities decoded,
 * "" when it has elements inside). */
typedef int (*s3_xml_fn)(void *ctx, const char *parent, const char *name, const char *text,
                         struct dm_err *e);

/* Call fn for each element of text[n], inner ones first. DM_EIO: not such XML (a broken answer may
 * be whole the next time); else what fn returns. */
DM_MUST_CHECK int s3_xml_parse(const char *text, size_t n, s3_xml_fn fn, void *ctx,
                               struct dm_err *e);

#endif
