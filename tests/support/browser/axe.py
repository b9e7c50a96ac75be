"""Accessibility checks of a page by axe-core."""

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
    from axe_playwright_python.sync_playwright import Axe

    reader.page.wait_for_function(SETTLED)  # text has too little contrast while it fades in
    results = Axe().run(reader.page, options=OPTIONS)
    return [
        f"{v['id']}: {node['target']} {node.get('failureSummary', '')}"
        for v in results.response["violations"]
        for node in v["nodes"]
    ]
