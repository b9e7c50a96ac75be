"""/docs in a browser: Swagger UI shows the API and sends a request, within our Content-Security-Policy."""

from tests.support.browser.axe import violations
from tests.support.browser.driver import expect


def test_api_page_shows_every_operation_and_sends_a_request(quoting, visit, shots):
    reader = visit(quoting, "/docs", start=False, viewport={"width": 1280, "height": 900})
    page = reader.page
    expect(page.locator(".title")).to_contain_text("Tenkyo")
    ids = page.locator(".opblock-summary-operation-id")
    assert {"ask", "list_sources", "create_response"} <= set(ids.all_text_contents())
    page.screenshot(path=shots / "api.png")
    # Swagger UI's own structure: its first heading is followed by a third, and the first is in no
    # landmark. Both are advice of axe, not rules of WCAG.
    found = {each.partition(":")[0] for each in violations(reader)}
    assert found <= {"heading-order", "region"}
    ask = page.locator("#operations-Answers-ask")
    ask.locator(".opblock-summary-control").click()
    expect(ask.locator(".responses-wrapper")).to_contain_text("Whisper learned from 680,000 hours")
    page.screenshot(path=shots / "api-ask.png")
    health = page.locator("#operations-Service-check_health")
    health.locator(".opblock-summary-control").click()
    health.locator(".try-out__btn").click()
    health.locator(".execute").click()
    expect(health.locator(".live-responses-table")).to_contain_text('"status": "ok"')
    page.screenshot(path=shots / "api-health.png")
    reader.at_rest()
