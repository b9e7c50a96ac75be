// Server-sent events, read from a fetch() response: EventSource cannot POST.

/** An incremental parser: give it text split anywhere, get back the events that are complete. */
export class SSEParser {
  #tail = "";        // the beginning of a line whose end has not come yet
  #afterCR = false;  // the last chunk ended in CR: an LF that opens the next belongs to it
  #data = [];
  #event = "";
  #id = "";

  push(chunk) {
    if (!chunk) return [];
    if (this.#afterCR && chunk[0] === "\n") chunk = chunk.slice(1);
    this.#afterCR = chunk ? chunk.endsWith("\r") : false;
    const lines = (this.#tail + chunk).split(/\r\n|\n|\r/);
    this.#tail = lines.pop();
    const events = [];
    for (const line of lines) {
      const event = this.#line(line);
      if (event) events.push(event);
    }
    return events;
  }

  #line(line) {
    if (line === "") return this.#dispatch();
    const colon = line.indexOf(":");
    if (colon === 0) return null; // a comment, as servers send to keep the connection open
    const field = colon < 0 ? line : line.slice(0, colon);
    let value = colon < 0 ? "" : line.slice(colon + 1);
    if (value[0] === " ") value = value.slice(1);
    if (field === "data") this.#data.push(value);
    else if (field === "event") this.#event = value;
    else if (field === "id" && !value.includes("\0")) this.#id = value;
    return null;
  }

  #dispatch() {
    const event = { event: this.#event || "message", data: this.#data.join("\n"), id: this.#id };
    const empty = this.#data.length === 0;
    this.#data = [];
    this.#event = "";
    return empty ? null : event;
  }
}

const STRETCH = 50; // ms of work on events after which a page that is seen may paint and take clicks
const painted = () => new Promise((resolve) => setTimeout(resolve));

/** The events of a byte stream, as they come. A frame cut off by the end of the stream is dropped. */
export async function* readEvents(stream) {
  const reader = stream.getReader();
  const decoder = new TextDecoder(); // streaming: a character split over two chunks stays whole
  const parser = new SSEParser();
  let began = performance.now();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      for (const event of parser.push(decoder.decode(value, { stream: true }))) {
        if (!document.hidden && performance.now() - began > STRETCH) {
          await painted();
          began = performance.now();
        }
        yield event;
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}
