# SPDX-License-Identifier: Apache-2.0
"""Files for a cluster, a cloud and an init system, by the strictest tool that can be had here: kustomize and the
published schemas, the formatter of HCL and our own look at references, systemd's own analysis."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from engine import sh

KUSTOMIZE = "sigs.k8s.io/kustomize/kustomize/v5@v5.7.1"
HCLFMT = "github.com/hashicorp/hcl/v2/cmd/hclfmt@v2.23.0"
PROVIDER = "@cdktf/provider-aws@19.65.1"  # the schema of hashicorp/aws 5.x
EXPOSURE_MAX = 2.0
BLOCK = re.compile(r'^(resource|data|module|variable|output)\s+"([\w-]+)"(?:\s+"([\w-]+)")?\s*\{', re.M)


def tool(name, module, work):
    """A program of that name, else built from its Go module; None: neither."""
    if shutil.which(name):
        return name
    if not shutil.which("go"):
        return None
    built = sh("go", "install", module, check=False, timeout=3600, env={**os.environ, "GOBIN": str(work), "CGO_ENABLED": "0"})
    return str(work / name) if built.returncode == 0 else None


def validator(work):
    """kubernetes-validate and an HCL parser, from the package registry, in an environment of their own."""
    venv = work / "venv"
    sh(sys.executable, "-m", "venv", venv)
    got = sh(venv / "bin/pip", "install", "-q", "kubernetes-validate==1.37.0", "python-hcl2==8.1.4", check=False)
    return venv / "bin" if got.returncode == 0 else None


def kubernetes(tree, work, bin_folder, report):
    kustomize = ["kubectl", "kustomize"] if shutil.which("kubectl") else [tool("kustomize", KUSTOMIZE, work), "build"]
    if not kustomize[0] or not bin_folder:
        report.skip("Kubernetes overlays", "neither kubectl nor kustomize, or no schemas")
        return
    for overlay in ("dev", "prod", "small"):
        path = work / f"{overlay}.yaml"
        path.write_text(sh(*kustomize, tree / f"deploy/k8s/overlays/{overlay}").stdout)
        said = sh(bin_folder / "kubernetes-validate", "--strict", path, check=False)
        text = said.stdout + said.stderr
        unknown = sorted(set(re.findall(r"schema for kind (\w+)", text)))
        kinds = len(re.findall(r"^kind:", path.read_text(), re.M))
        report.check(f"Kubernetes, overlay {overlay}: strict schemas", said.returncode == 0 and "passed" in text,
                     f"{kinds} objects" + (f"; custom, not validated: {', '.join(unknown)}" if unknown else "") if said.returncode == 0 else text[-800:])


def body_of(text, at):
    """What stands between the brace before `at` and its partner."""
    depth, i = 1, at
    while depth:
        depth += {"{": 1, "}": -1}.get(text[i], 0)
        i += 1
    return text[at:i - 1]


def folder_of_terraform(folder):
    """Blocks of a module: {kind: {name: body}}, and all its text without comments."""
    text = "\n".join(re.sub(r"(?m)^\s*#.*$", "", p.read_text()) for p in sorted(folder.glob("*.tf")))
    blocks = {}
    for m in BLOCK.finditer(text):
        name = f"{m[2]}.{m[3]}" if m[3] else m[2]
        blocks.setdefault(m[1], {})[name] = body_of(text, m.end())
    for m in re.finditer(r"^locals\s*\{", text, re.M):
        for name in re.findall(r"(?m)^ {2}([\w-]+)\s*=", body_of(text, m.end())):
            blocks.setdefault("local", {})[name] = ""
    return blocks, text


def references(folder):
    """Names that nothing declares, arguments that no variable takes, needed ones that are missing."""
    blocks, text = folder_of_terraform(folder)
    have = {k: set(v) for k, v in blocks.items()}
    wrong = [f"var.{n}" for n in set(re.findall(r"\bvar\.(\w+)", text)) - have.get("variable", set())]
    wrong += [f"unused variable {n}" for n in have.get("variable", set()) if not re.search(rf"\bvar\.{n}\b", text)]
    wrong += [f"local.{n}" for n in set(re.findall(r"\blocal\.(\w+)", text)) - have.get("local", set())]
    wrong += [f"data.{n}" for n in set(re.findall(r"\bdata\.(\w+\.\w+)", text)) - have.get("data", set())]
    wrong += list(set(re.findall(r"(?<![\w.\"/-])((?:aws|random)_\w+\.\w+)\b", text)) - have.get("resource", set()) - have.get("data", set()))
    for name, body in blocks.get("module", {}).items():
        inner, _ = folder_of_terraform(folder / re.search(r'source\s*=\s*"([^"]+)"', body)[1])
        given = set(re.findall(r"(?m)^ {2}(\w+)\s*=", body)) - {"source", "for_each", "count"}
        needed = {v for v, b in inner.get("variable", {}).items() if "default" not in b}
        wrong += [f"module {name}: {n} is no variable" for n in given - set(inner.get("variable", {}))]
        wrong += [f"module {name}: {n} is missing" for n in needed - given]
        for output in set(re.findall(rf"\bmodule\.{name}\.(\w+)", text)) - set(inner.get("output", {})):
            wrong.append(f"module.{name}.{output}")
    return wrong


def terraform(tree, work, bin_folder, report):
    files = sorted((tree / "deploy/terraform").rglob("*.tf"))
    if shutil.which("terraform"):
        folder = tree / "deploy/terraform"
        report.check("Terraform is formatted", sh("terraform", "fmt", "-check", "-recursive", cwd=folder, check=False).returncode == 0)
        ready = sh("terraform", "init", "-backend=false", cwd=folder, check=False)
        if ready.returncode == 0:
            said = sh("terraform", "validate", cwd=folder, check=False)
            report.check("Terraform is valid", said.returncode == 0, said.stderr[-800:])
            return
    report.skip("terraform validate", "the provider cannot be fetched here; its published schema and our look at references instead")
    hclfmt = tool("hclfmt", HCLFMT, work)
    if hclfmt:
        bad = [str(p.relative_to(tree)) for p in files if sh(hclfmt, p).stdout != p.read_text()]
        report.check("HCL is formatted", not bad, ", ".join(bad))
    if bin_folder:
        program = "import hcl2, sys\nfor p in sys.argv[1:]: hcl2.load(open(p))"
        said = sh(bin_folder / "python", "-c", program, *files, check=False)
        report.check("HCL parses", said.returncode == 0, said.stderr[-500:] or f"{len(files)} files")
        bindings = sh("npm", "pack", "--silent", PROVIDER, cwd=work, check=False)
        if bindings.returncode == 0:
            said = sh(bin_folder / "python", tree / "tests/deploy/provider.py", work / bindings.stdout.strip(), *files, check=False)
            report.check("AWS resources match the provider's schema", said.returncode == 0, (said.stdout + said.stderr).strip()[-800:])
        else:
            report.skip("schema of the AWS provider", "its bindings cannot be fetched")
    for folder in sorted({p.parent for p in files}):
        wrong = references(folder)
        report.check(f"HCL of {folder.relative_to(tree)}: every name is declared", not wrong, "; ".join(wrong))


def systemd(tree, report):
    if not shutil.which("systemd-analyze"):
        report.skip("systemd units", "systemd-analyze is not installed")
        return
    units = [p for p in sorted((tree / "deploy/systemd").glob("demeter*.service")) if "compose" not in p.name]
    for unit in units:
        path = unit
        if "@" in unit.name:
            path = unit.with_name(unit.name.replace("@", "@cpu"))
            shutil.copy(unit, path)
        said = sh("systemd-analyze", "security", "--offline=true", f"--threshold={int(EXPOSURE_MAX * 10)}", path, check=False)
        score = re.search(r"exposure level for \S+: ([\d.]+)", said.stdout)
        report.check(f"{unit.name}: exposure below {EXPOSURE_MAX:g}", score and float(score[1]) < EXPOSURE_MAX, score[1] if score else said.stderr[-300:])


def run(tree, _versions, report):
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        try:
            bin_folder = validator(work)
        except (RuntimeError, subprocess.TimeoutExpired):
            bin_folder = None
        report.attempt("kubernetes", kubernetes, tree, work, bin_folder, report)
        report.attempt("terraform", terraform, tree, work, bin_folder, report)
        report.attempt("systemd", systemd, tree, report)
