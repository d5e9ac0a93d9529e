"""Reads the pages in a directory with the parsers of prometheus_client: prints what each one has, or what is wrong."""

import json
import pathlib
import sys

try:
    from prometheus_client import parser as text
    from prometheus_client.openmetrics import parser as openmetrics
except ImportError:
    print("no prometheus_client")
    sys.exit()


def number(value):
    """JSON has no word for these."""
    value = float(value)
    return value if value - value == 0 else str(value)


def sample(of):
    labels = {name: number(value) if name in ("le", "quantile") else value for name, value in of.labels.items()}
    exemplar = of.exemplar and {"labels": of.exemplar.labels, "value": number(of.exemplar.value)}
    return {"name": of.name, "labels": labels, "value": number(of.value), "exemplar": exemplar}


for path in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    page = path.read_bytes().decode()
    parser = openmetrics if path.suffix == ".openmetrics" else text
    try:
        families = list(parser.text_string_to_metric_families(page))
    except Exception as error:
        print(json.dumps({"page": path.name, "fault": f"{error!r} in\n{page}"}))
        continue
    samples = [sample(one) for family in families for one in family.samples]
    types = {family.name: [family.type, family.unit] for family in families}
    print(json.dumps({"page": path.name, "samples": samples, "types": types}))
