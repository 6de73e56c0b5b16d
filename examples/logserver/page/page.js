// Shows what /events tells every second. All text goes in as text, never as markup.
"use strict";

const COLOURS = ["#999", "#58a", "#4a6", "#c92", "#c33", "#a5c"];
const SECONDS = 120;
let seconds = [];

const element = (id) => document.getElementById(id);
const number = (n) => n.toLocaleString("en");

function make(name, text, parent) {
  const made = document.createElement(name);
  made.textContent = text;
  parent.append(made);
  return made;
}

function fill(id, rows) {
  const table = element(id);
  table.replaceChildren();
  for (const cells of rows) {
    const row = make("tr", "", table);
    for (const cell of cells) make("td", cell, row);
  }
}

function plot() {
  const canvas = element("plot");
  canvas.width = canvas.clientWidth * devicePixelRatio;
  canvas.height = canvas.clientHeight * devicePixelRatio;
  const context = canvas.getContext("2d");
  const sums = seconds.map((levels) => levels.reduce((a, b) => a + b, 0));
  const most = Math.max(1, ...sums);
  const width = canvas.width / SECONDS;
  seconds.forEach((levels, at) => {
    let bottom = canvas.height;
    levels.forEach((lines, level) => {
      const height = (lines / most) * (canvas.height - 20 * devicePixelRatio);
      context.fillStyle = COLOURS[level];
      context.fillRect((SECONDS - seconds.length + at) * width, bottom - height, Math.max(1, width - 1), height);
      bottom -= height;
    });
  });
  context.fillStyle = "#888";
  context.font = `${12 * devicePixelRatio}px system-ui`;
  context.fillText(`${number(most)} per second`, 0, 14 * devicePixelRatio);
}

function legend(levels) {
  const place = element("legend");
  if (place.childElementCount) return;
  levels.forEach((level, at) => {
    const entry = make("span", "", place);
    make("i", "", entry).style.background = COLOURS[at];
    entry.append(level);
  });
}

function show(view) {
  seconds = view.past;
  element("state").textContent = view.troubled ? "lines cannot be stored" : "live";
  element("rate").textContent = number(seconds.at(-1).reduce((a, b) => a + b, 0));
  for (const id of ["stored", "connections", "refused"]) element(id).textContent = number(view[id]);
  for (const place of document.querySelectorAll(".window")) place.textContent = view.window_seconds;
  fill("levels", view.levels.map((level, at) => [level, number(view.window[at])]));
  fill("sources", view.sources.map(([source, lines]) => [source, number(lines)]));
  fill("stages", view.stages.map(([stage, share]) => [stage, `${Math.round(share * 100)} %`]));
  element("bottleneck").textContent = view.bottleneck;
  element("alerts").replaceChildren();
  for (const alert of view.alerts.filter((alert) => alert.raised)) {
    const text = `${number(alert.count)} ${alert.what} in ${view.window_seconds} s, the limit is ${number(alert.threshold)}`;
    make("li", text, element("alerts")).dataset.what = alert.what;
  }
  element("errors").replaceChildren();
  for (const error of view.errors) make("li", error, element("errors"));
  legend(view.levels);
  plot();
}

const events = new EventSource("/events");
// The first message comes before the first second is over.
events.onmessage = (event) => {
  const view = JSON.parse(event.data);
  if (view.levels.length) show(view);
};
events.onerror = () => { element("state").textContent = "no connection"; };
addEventListener("resize", plot);
