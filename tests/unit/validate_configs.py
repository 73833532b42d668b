#!/usr/bin/env python3
"""Validate configs/*.json against configs/topology.schema.json.

Exits 0 if all is well, 1 with a line for each mistake, 77 if the package
python3-jsonschema is missing.
"""
import copy
import glob
import json
import sys

try:
    from jsonschema import Draft202012Validator
except ImportError:
    print("python3-jsonschema is not installed")
    sys.exit(77)

SCHEMA = "configs/topology.schema.json"

# Each makes tap.json wrong in a way that a schema can see.
BROKEN = [
    lambda t: t.pop("name"),
    lambda t: t.update(name="Tap"),
    lambda t: t.update(rings=[]),
    lambda t: t.update(ttl=64),
    lambda t: t["links"][0].update(mtu=40),
    lambda t: t["links"][0].update(mac="03:00:00:00:00:02"),
    lambda t: t["links"][0].update(mac="00:00:00:00:00:00"),
    lambda t: t["links"][0].update(addresses=["192.0.2.2"]),
    lambda t: t["links"][0].update(interface="a/b"),
    lambda t: t["links"][0].update(impair={"loss": 1}),
    lambda t: t["links"][0].update(impair={"tx": {"loss": 101}}),
    lambda t: t["routes"][0].pop("via"),
    lambda t: t["processes"][0].update(layer="arpd"),
    lambda t: t["rings"][0].update(slots=100),
]


def load(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def main():
    mistakes = []
    schema = load(SCHEMA)
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)

    files = [f for f in sorted(glob.glob("configs/*.json")) if f != SCHEMA]
    for path in files:
        for error in validator.iter_errors(load(path)):
            mistakes.append(f"{path}: {error.json_path}: {error.message}")

    good = load("configs/tap.json")
    for number, spoil in enumerate(BROKEN):
        bad = copy.deepcopy(good)
        spoil(bad)
        if validator.is_valid(bad):
            mistakes.append(f"{SCHEMA}: takes the broken text {number}")

    if not files:
        mistakes.append("configs/: no files")
    print("\n".join(mistakes) or f"{len(files)} files are valid")
    return 1 if mistakes else 0


if __name__ == "__main__":
    sys.exit(main())
