# SPDX-License-Identifier: Apache-2.0
"""Files of a page into the program: embed.py ARRAY OUTPUT.c FILE...; used by meson.build."""
import pathlib
import sys

rows = []
with open(sys.argv[2], "w", encoding="ascii") as out:
    out.write('#include "http/docs.h"\n')
    for n, path in enumerate(map(pathlib.Path, sys.argv[3:])):
        data = path.read_bytes()
        text = ",".join(str(b - 256 if b > 127 else b) for b in data + b"\0")
        out.write(f"static const char file_{n}[] = {{{text}}};\n")
        rows.append(f'    {{"{path.name}", file_{n}, {len(data)}}},\n')
    out.write(f"extern const struct http_docs_file {sys.argv[1]}[];\nconst struct http_docs_file {sys.argv[1]}[] = {{\n" + "".join(rows) + "    {0},\n};\n")
