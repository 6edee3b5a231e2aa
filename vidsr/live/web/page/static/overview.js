// All streams: one connection brings the pictures of all cards.

import { watch } from "./pictures.js";
import { keepFresh } from "./refresh.js";

const STILL_MS = 3000;
const cards = new Map();
for (const card of document.querySelectorAll("[data-picture]")) {
  const name = decodeURIComponent(card.dataset.picture.replace("/streams/", ""));
  cards.set(name, { card, canvas: card.querySelector("canvas"), at: 0 });
}

function show(bitmap, about) {
  const one = cards.get(about.stream);
  if (one) {
    one.canvas.width = bitmap.width;
    one.canvas.height = bitmap.height;
    one.canvas.getContext("2d").drawImage(bitmap, 0, 0);
    one.canvas.hidden = false;
    one.at = performance.now();
    one.card.classList.remove("still");
  }
  bitmap.close();
}

// A picture that does not move any more is shown darker.
function dim() {
  for (const one of cards.values()) {
    one.card.classList.toggle("still", performance.now() - one.at > STILL_MS);
  }
}

if (cards.size) {
  watch("/pictures", show, dim);
  setInterval(dim, STILL_MS / 3);
}
keepFresh();
