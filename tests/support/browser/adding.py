"""A document to add to the library on the page, and a function that adds it."""

MAPS = """# Maps of Kanda

The archive in Kanda holds 4,711 hand-drawn maps of the city. The oldest of them was drawn in 1657
by the surveyor Hojo Ujinaga. The archive is closed on Wednesdays.
"""
QUESTION = "How many hand-drawn maps does the archive in Kanda hold?"


def add(reader, *files):
    sent = [{"name": name, "mimeType": "application/octet-stream", "buffer": data} for name, data in files]  # fmt: skip
    reader.page.locator("#library input[type=file]").set_input_files(sent)
    return reader.page.locator(".job").first
