// The last two minutes as lines: every fresh page adds a point.

const POINTS = 120;
const HEIGHT = 40;
const HEADROOM = 1.15;

class Chart {
  constructor(figure) {
    this.figure = figure;
    this.peak = figure.querySelector(".peak");
    this.lines = [...figure.querySelectorAll("polyline")].map((line) => ({ line, values: [] }));
  }

  add(numbers) {
    for (const { line, values } of this.lines) {
      const value = Number.parseFloat(numbers[line.dataset.value]);
      values.push(value); // NaN where nothing is known, which leaves a gap at no cost
      if (values.length > POINTS) values.shift();
    }
    this.draw();
  }

  draw() {
    const known = this.lines.flatMap(({ values }) => values.filter(Number.isFinite));
    if (!known.length) return;
    const top = Math.max(...known, Number(this.figure.dataset.least)) * HEADROOM;
    for (const { line, values } of this.lines) {
      const first = POINTS - values.length;
      const points = values.map((value, i) => [first + i, HEIGHT * (1 - value / top)]);
      const shown = points.filter(([, y]) => Number.isFinite(y));
      line.setAttribute("points", shown.map(([x, y]) => `${x},${y.toFixed(2)}`).join(" "));
    }
    this.peak.textContent = `up to ${Math.round(Math.max(...known))} ${this.figure.dataset.unit}`;
  }
}

export function keepHistory() {
  const charts = [...document.querySelectorAll(".chart")].map((figure) => new Chart(figure));
  document.querySelector(".history").hidden = false;
  return () => {
    const { dataset } = document.getElementById("facts");
    for (const chart of charts) chart.add(dataset);
  };
}
