"""Accessibility checks of a page by axe-core."""

import json

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# Whoever speaks to the page says what is written on a control: axe has that as an experiment only.
ALSO = {"label-content-name-mismatch": {"enabled": True}}
OPTIONS = {
    "runOnly": {"type": "tag", "values": TAGS},
    "rules": ALSO,
    "resultTypes": ["violations"],
}
SETTLED = "() => document.getAnimations().every((a) => a.playState !== 'running')"


def violations(reader):
    """List the violations on the page."""
    from axe_playwright_python.base import AXE_SCRIPT

    page = reader.page
    page.wait_for_function(SETTLED)  # text has too little contrast while it fades in
    if not page.evaluate("'axe' in window"):  # half a megabyte: once for all states of a page
        page.evaluate(AXE_SCRIPT)
    found = page.evaluate(f"axe.run({json.dumps(OPTIONS)}).then((found) => found.violations)")
    return [
        f"{v['id']}: {node['target']} {node.get('failureSummary', '')}"
        for v in found
        for node in v["nodes"]
    ]
