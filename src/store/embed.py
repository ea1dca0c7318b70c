# SPDX-License-Identifier: Apache-2.0
"""Migrations into the program: embed.py OUTPUT.c NNN_name.sql...; used by meson.build."""
import pathlib
import re
import sys

rows = []
with open(sys.argv[1], "w", encoding="ascii") as out:
    out.write('#include "store/migrate.h"\n')
    for n, path in enumerate(sorted(map(pathlib.Path, sys.argv[2:])), 1):
        number, name = re.fullmatch(r"(\d{3})_([a-z0-9_]+)", path.stem).groups()
        if int(number) != n:
            sys.exit(f"{path.name}: number {n} is missing")
        data = ",".join(str(b - 256 if b > 127 else b) for b in path.read_bytes() + b"\0")
        out.write(f"static const char sql_{number}[] = {{{data}}};\n")
        rows.append(f'    {{{n}, "{name}", sql_{number}}},\n')
    out.write("const struct store_migration store_migrations[] = {\n" + "".join(rows) + "};\n")
    out.write(f"const size_t store_migration_count = {len(rows)};\n")
