// Moving pictures: reads parts of an answer that never ends, and begins again where it ends.

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 8000;
const END_OF_HEAD = [13, 10, 13, 10];
const text = new TextDecoder();

class Bytes {
  constructor(reader) {
    this.reader = reader;
    this.held = new Uint8Array(0);
  }

  async more() {
    const { done, value } = await this.reader.read();
    if (done) throw new Error("ended");
    const both = new Uint8Array(this.held.length + value.length);
    both.set(this.held);
    both.set(value, this.held.length);
    this.held = both;
  }

  async take(length) {
    while (this.held.length < length) await this.more();
    const taken = this.held.slice(0, length);
    this.held = this.held.slice(length);
    return taken;
  }

  async head() {
    let from = 0;
    for (;;) {
      for (; from + END_OF_HEAD.length <= this.held.length; from++) {
        if (END_OF_HEAD.every((byte, k) => this.held[from + k] === byte)) {
          return text.decode(await this.take(from + END_OF_HEAD.length));
        }
      }
      await this.more();
    }
  }
}

function labels(head) {
  const found = {};
  for (const row of head.split("\r\n")) {
    const [name, value] = row.split(": ");
    if (value !== undefined) found[name.toLowerCase().replace("x-vidsr-", "")] = decodeURIComponent(value);
  }
  return found;
}

async function read(url, show, signal) {
  const answer = await fetch(url, { signal });
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  const bytes = new Bytes(answer.body.getReader());
  for (;;) {
    const about = labels(await bytes.head());
    const jpeg = await bytes.take(Number(about["content-length"]));
    await bytes.take(2);
    const bitmap = await createImageBitmap(new Blob([jpeg], { type: "image/jpeg" }));
    await show(bitmap, about);
  }
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function shown() {
  if (!document.hidden) return Promise.resolve();
  return new Promise((resolve) => document.addEventListener("visibilitychange", resolve, { once: true }));
}

// Shows pictures for as long as the page lies open to view; `lost` is called whenever they end.
export async function watch(url, show, lost) {
  let wait = FIRST_PAUSE_MS;
  for (;;) {
    await shown();
    const stop = new AbortController();
    const hide = () => document.hidden && stop.abort();
    document.addEventListener("visibilitychange", hide);
    const counted = (bitmap, about) => {
      wait = FIRST_PAUSE_MS;
      return show(bitmap, about);
    };
    try {
      await read(url, counted, stop.signal);
    } catch {
      lost();
    }
    stop.abort();
    document.removeEventListener("visibilitychange", hide);
    await pause(wait);
    wait = Math.min(LONGEST_PAUSE_MS, wait * 2);
  }
}
