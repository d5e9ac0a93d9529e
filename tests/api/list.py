"""What a crate promises: every public item, with its signature as it stands in the source, one a line."""

import json
import re
import sys

# Of the compiler's description; another one means other things.
KNOWN = 57

document = json.load(open(sys.argv[1]))
if document["format_version"] != KNOWN:
    sys.exit(3)
index = document["index"]
lines = set()
seen = set()


def signature(item):
    """The source of an item up to its body, without attributes of its parameters, in one line."""
    span = item.get("span")
    if not span:
        return ""
    source = open(span["filename"]).read().splitlines()
    (first, column), (last, end) = span["begin"], span["end"]
    text = source[first - 1 : last]
    text[-1] = text[-1][: end - 1] if len(text) > 1 else text[-1][: end - 1]
    text[0] = text[0][column - 1 :]
    text = " ".join(line.strip() for line in text if not line.strip().startswith("//"))
    text = re.split(r"\{|;|=(?!>)", text, maxsplit=1)[0] if "fn " in text.split("(")[0] else text
    return re.sub(r"\s+", " ", re.split(r"\{|;", text, maxsplit=1)[0]).strip()


def add(kind, path, item, text=None):
    lines.add(f"{kind} {path}" + (f": {text}" if text else ""))


def methods(path, item):
    """The inherent methods and constants of a type, and the names of the traits that it has and that are not automatic."""
    for number in item.get("impls", []):
        implementation = index.get(str(number))
        if not implementation:
            continue
        inner = implementation["inner"]["impl"]
        if inner.get("is_synthetic") or inner.get("blanket_impl"):
            continue
        if inner["trait"]:
            lines.add(f"impl {inner['trait']['path']} for {path}")
            continue
        for number in inner["items"]:
            method = index.get(str(number))
            if method and method["visibility"] == "public":
                visit(method, path)


def visit(item, path, name=None):
    (kind, inner), = item["inner"].items()
    name = name or item["name"]
    here = f"{path}::{name}" if path else name
    if kind == "module":
        if (item["id"], here) in seen:
            return
        seen.add((item["id"], here))
        for number in inner["items"]:
            child = index.get(str(number))
            if child and child["visibility"] == "public":
                visit(child, here)
    elif kind == "use":
        target = index.get(str(inner["id"]))
        if target is None:
            lines.add(f"use {path}::{inner['name']}: {inner['source']}")
        elif inner["is_glob"]:
            (_, target), = target["inner"].items()
            for number in target.get("items", []) or target.get("variants", []):
                child = index.get(str(number))
                if child:
                    visit(child, path)
        else:
            visit(target, path, inner["name"])
    elif kind in ("struct", "enum", "union"):
        add(kind, here, item, signature(item))
        fields = []
        if kind == "struct":
            shape = inner["kind"]
            fields = shape.get("plain", {}).get("fields", []) if isinstance(shape, dict) else []
        for number in fields + inner.get("variants", []):
            child = index.get(str(number))
            if child and (kind == "enum" or child["visibility"] == "public"):
                text = signature(child)
                lines.add(f"{'variant' if kind == 'enum' else 'field'} {here}::{child['name']}: {text}")
        methods(here, inner)
    elif kind == "trait":
        add(kind, here, item, signature(item))
        for number in inner["items"]:
            child = index.get(str(number))
            if child:
                lines.add(f"of the trait {here}: {signature(child)}")
    else:
        add(kind, here, item, signature(item))


visit(index[str(document["root"])], "")
print("\n".join(sorted(lines)))
