// Keeps numbers fresh: every element marked data-live is replaced by that of a fresh page.

const EVERY_MS = 1000;
const SLOW_MS = 4000;
const line = document.getElementById("connection");

async function freshPage() {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (answer.redirected || answer.status === 404) {
    location.reload(); // a login is needed, or the stream is gone
  }
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

function take(page) {
  if (page.body.dataset.streams !== document.body.dataset.streams) location.reload();
  for (const fresh of page.querySelectorAll("[data-live]")) {
    const old = document.getElementById(fresh.id);
    const inUse = old?.contains(document.activeElement) && document.activeElement !== document.body;
    if (old && !inUse && old.outerHTML !== fresh.outerHTML) old.replaceWith(document.adoptNode(fresh));
  }
}

async function refresh(after) {
  if (document.hidden) return EVERY_MS;
  try {
    take(await freshPage());
    after();
    line.textContent = "";
    return EVERY_MS;
  } catch {
    line.textContent = "Connection lost, trying again";
    return SLOW_MS;
  }
}

export async function keepFresh(after = () => {}) {
  for (;;) {
    const pause = await refresh(after);
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}
