# SPDX-License-Identifier: Apache-2.0
"""The page into the program; used by meson.build.

    embed.py SOURCE WORK OUTPUT.c [--or-none]   install packages below WORK, bundle, write the files as C;
                                                --or-none: no page when the packages cannot be fetched
    embed.py --none OUTPUT.c                    a program without a page
"""
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys

TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8",
         ".svg": "image/svg+xml", ".png": "image/png", ".webmanifest": "application/manifest+json"}


def install(source, work):
    """Packages of the lock file, once for each lock file."""
    lock = (source / "package-lock.json").read_bytes() + (source / "package.json").read_bytes()
    stamp, wanted = work / "installed", hashlib.sha256(lock).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return
    work.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(source / name, work / name)
    subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"], cwd=work, check=True, stdout=sys.stderr)
    stamp.write_text(wanted)


def write(target, rows, out):
    with open(target, "w", encoding="ascii") as file:
        file.write('#include "api/page.h"\n' + "".join(out))
        file.write("const struct page_file page_files[] = {\n" + "".join(rows) + "    {0},\n};\n")


def main():
    rows, out = [], []
    if sys.argv[1] == "--none":
        target = sys.argv[2]
    else:
        source, work, target = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve(), sys.argv[3]
        try:
            install(source, work)
        except subprocess.CalledProcessError:
            if "--or-none" not in sys.argv:
                raise
            print("WARNING: the packages of the web page could not be fetched; this program has no page", file=sys.stderr)
            return write(target, [], [])
        modules = work / "node_modules"
        dist = work / "dist"
        subprocess.run(["node", source / "build.mjs", dist], check=True, env={**os.environ, "NODE_PATH": str(modules)})
        for n, path in enumerate(sorted(p for p in dist.rglob("*") if p.is_file())):
            data = path.read_bytes()
            out.append(f"static const unsigned char file_{n}[] = {{{','.join(map(str, data))}}};\n")
            rows.append(f'    {{"{path.relative_to(dist)}", "{TYPES[path.suffix]}", file_{n}, {len(data)}}},\n')
    write(target, rows, out)


main()
