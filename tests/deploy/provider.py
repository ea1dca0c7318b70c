# SPDX-License-Identifier: Apache-2.0
"""Blocks and arguments of every AWS resource against the provider's own schema, as its bindings for TypeScript
publish it: unknown ones, needed ones that are missing. Run by files.py where the provider itself cannot be fetched.

    provider.py BINDINGS.tgz FILE.tf...
"""
import re
import sys
import tarfile

import hcl2

META = {"count", "forEach", "lifecycle", "provider", "dependsOn"}
faults = []


def camel(name):
    head, *rest = name.strip('"').split("_")
    return head + "".join(x.capitalize() for x in rest)


def interfaces(text):
    """{interface: {property: (optional, type)}} of a declaration file."""
    found = {}
    for m in re.finditer(r"export interface (\w+)(?: extends [\w.]+)? \{(.*?)\n\}", text, re.S):
        found[m[1]] = {p[1]: (p[2] == "?", p[3]) for p in re.finditer(r"readonly (\w+)(\??): ([^;]+);", m[2])}
    return found


def inner(kind, known):
    """The interface that a property's type names; None: a plain value."""
    return next((t for t in re.findall(r"[A-Z]\w+", kind) if t in known), None)


def look(where, body, interface, known):
    """Every key of a block; nested ones by their own interface."""
    properties, used = known[interface], set()
    blocks = [(k, v) for k, v in body.items() if not k.startswith("__") and k != "dynamic"]
    for dynamic in body.get("dynamic", []):
        blocks += [(name, b["content"]) for name, b in dynamic.items() if not name.startswith("__")]
    for key, value in blocks:
        name = camel(key)
        used.add(name)
        if name in META:
            continue
        if name not in properties:
            faults.append(f"{where}: {key} is unknown")
            continue
        of = inner(properties[name][1], known)
        if of and isinstance(value, list):
            for one in value:
                if isinstance(one, dict):
                    look(f"{where}.{key}", one, of, known)
    faults.extend(f"{where}: {name} is missing" for name, (optional, _) in properties.items() if not optional and name not in used)


def main():
    count = 0
    with tarfile.open(sys.argv[1]) as tar:
        for path in sys.argv[2:]:
            with open(path, encoding="utf-8") as file:
                document = hcl2.load(file)
            for section, prefix in (("resource", ""), ("data", "data-aws-")):
                for entry in document.get(section, []):
                    ((kind, named),) = entry.items()
                    kind = kind.strip('"')
                    if not kind.startswith("aws_"):
                        continue
                    short = kind.removeprefix("aws_").replace("_", "-")
                    text = tar.extractfile(f"package/lib/{prefix}{short}/index.d.ts").read().decode()
                    known = interfaces(text)
                    root = re.search(r"constructor\(scope: Construct, id: string, config\??: (\w+)", text)[1]
                    for name, body in named.items():
                        look(f"{kind}.{name}", body, root, known)
                        count += 1
    print("\n".join(faults) or f"{count} resources")
    sys.exit(1 if faults or not count else 0)


main()
