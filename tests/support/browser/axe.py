"""The accessibility violations that axe-core finds on a page."""

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
OPTIONS = {"runOnly": {"type": "tag", "values": TAGS}, "resultTypes": ["violations"]}
SETTLED = "() => document.getAnimations().every((a) => a.playState !== 'running')"


def violations(reader):
    from axe_playwright_python.sync_playwright import Axe

    reader.page.wait_for_function(SETTLED)  # a sentence half faded in has no contrast yet
    results = Axe().run(reader.page, options=OPTIONS)
    return [
        f"{v['id']}: {node['target']} {node.get('failureSummary', '')}"
        for v in results.response["violations"]
        for node in v["nodes"]
    ]
