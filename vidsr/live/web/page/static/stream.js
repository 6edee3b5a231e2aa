// One stream: source against output, under a line that can be moved.

import { watch } from "./pictures.js";
import { keepHistory } from "./history.js";
import { keepFresh } from "./refresh.js";

const stage = document.querySelector(".stage");
const canvas = stage.querySelector("canvas");
const slider = stage.querySelector("input");
const divider = stage.querySelector(".divider");
const held = { source: null, output: null };
const KEY_STEP = 2; // percent
let waiting = null; // an output whose source has not come yet
let holding = false;

canvas.classList.add("blank");
document.querySelector(".tools").hidden = false;

function draw() {
  if (!held.output) return;
  const { width, height } = held.output;
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
    canvas.style.setProperty("--natural", `${width / devicePixelRatio}px`);
  }
  const context = canvas.getContext("2d");
  context.drawImage(held.output, 0, 0);
  const split = Math.round((slider.value / 100) * width);
  if (held.source && split > 0) context.drawImage(held.source, 0, 0, split, height, 0, 0, split, height);
  divider.style.left = `${slider.value}%`;
  slider.setAttribute("aria-valuetext", `${Math.round(slider.value)} % source`);
  divider.hidden = slider.hidden = !held.source;
  stage.closest(".compare").classList.toggle("alone", !held.source);
  canvas.classList.remove("blank");
}

function replace(output, source) {
  held.output?.close();
  held.source?.close();
  held.output = output;
  held.source = source;
  draw();
}

function show(bitmap, about) {
  const shownAlready = about.level === "repeat" && held.source; // a repeat is the picture before
  if (holding || shownAlready) {
    bitmap.close();
  } else if (about.picture === "alone") {
    replace(bitmap, null);
  } else if (about.picture === "output") {
    waiting?.bitmap.close();
    waiting = { bitmap, number: about.number };
  } else if (waiting && waiting.number === about.number) {
    replace(waiting.bitmap, bitmap);
    waiting = null;
  } else {
    bitmap.close();
  }
}

function toggle(button, change) {
  button.addEventListener("click", () => {
    const pressed = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(pressed));
    change(pressed);
  });
}

slider.addEventListener("input", draw);
// A key moves the line by more than the finest step of a pointer.
slider.addEventListener("keydown", (event) => {
  const way = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[event.key];
  if (!way) return;
  event.preventDefault();
  slider.value = Number(slider.value) + way * KEY_STEP;
  draw();
});
toggle(document.getElementById("hold"), (pressed) => (holding = pressed));
toggle(document.getElementById("actual"), (pressed) => stage.classList.toggle("actual", pressed));
document.getElementById("screen").addEventListener("click", () => {
  if (document.fullscreenElement) document.exitFullscreen();
  else document.querySelector(".compare").requestFullscreen();
});

watch(stage.dataset.pairs, show, () => {});
keepFresh(keepHistory());
