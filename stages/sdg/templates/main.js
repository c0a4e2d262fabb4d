// The page: what is chosen, and what follows from it.
import { colours, element, frames, several, tallest, words } from "gallery/data";
import { apply, everything, sorted } from "gallery/filters";
import { describe, mark, stage } from "gallery/overlay";
import { draw } from "gallery/statistics";
import { start } from "gallery/viewer";

const find = (id) => document.getElementById(id);
const form = document.querySelector("#filters form");
const ASK = (name) => `Not in these frames: add ${name} to dataset.frames.annotators and render them again`;
const SHARE = 100;

let filter = everything();
let rows = [];

// ---- tiles ----

const tiles = new Map(frames.map((frame) => [frame, tile(frame)]));

function tile(frame) {
  const made = element("a", { class: "tile", href: `#frame=${frame.frame}`, "data-frame": frame.frame });
  made.append(element("div", { class: "stage", style: `--ratio: ${frame.width / frame.height}` }));
  const what = `${words(frame.scenario)} · ${several(frame.objects.length, "object")}`;
  made.append(element("div", { class: "caption" }, element("b", {}, `${frame.frame}`), ` ${what}`));
  return made;
}

// Pictures are made when they come near the window.
const watcher = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting) continue;
      watcher.unobserve(target);
      const frame = frames.find((item) => tiles.get(item) === target);
      target.firstChild.replaceWith(stage(frame));
      const row = rows.find((item) => item.frame === frame);
      if (row) mark(target, frame, row.objects);
    }
  },
  { rootMargin: "600px" },
);
for (const made of tiles.values()) watcher.observe(made);

function refresh() {
  rows = sorted(apply(frames, filter), find("sort").value);
  find("tiles").replaceChildren(...rows.map((row) => tiles.get(row.frame)));
  for (const row of rows) mark(tiles.get(row.frame), row.frame, row.objects);
  const objects = rows.reduce((sum, row) => sum + row.objects.size, 0);
  const all = frames.reduce((sum, frame) => sum + frame.objects.length, 0);
  find("count").textContent = `${rows.length} of ${several(frames.length, "frame")}, ${objects} of ${several(all, "object")}`;
  find("nothing").hidden = rows.length > 0;
  draw(document.querySelector("#statistics > div"), rows, pick);
}

// ---- filters ----

const FACETS = {
  classes: (frame) => frame.objects.map((object) => object.class),
  scenarios: (frame) => [frame.scenario],
  presets: (frame) => ("preset" in frame.tags ? [`${frame.tags.preset}`] : []),
  splits: (frame) => [frame.split],
};

for (const [facet, values] of Object.entries(FACETS)) {
  const found = new Set(frames.flatMap(values));
  const order = facet === "classes" ? [...colours.keys()].filter((name) => found.has(name)) : [...found].sort();
  const place = form.querySelector(`[data-facet=${facet}]`);
  place.hidden = order.length === 0 || (facet === "splits" && order.length < 2);
  for (const name of order) {
    const box = element("input", { type: "checkbox", value: name });
    const swatch = facet === "classes" ? [element("i", { class: "swatch", style: `--colour: ${colours.get(name)}` })] : [];
    place.append(element("label", { class: "chip" }, box, ...swatch, words(`${name}`)));
  }
}
range("height")[1].value = tallest;
range("height")[1].defaultValue = tallest;

function range(name) {
  return [...form.querySelectorAll(`[data-range=${name}] input`)];
}

/** The range in two fields; as wide as can be when they say so. */
function limits(name, scale) {
  const [low, high] = range(name);
  const top = high.value === "" || Number(high.value) >= Number(high.defaultValue) ? Infinity : Number(high.value) / scale;
  return [Number(low.value) / scale, top];
}

function read() {
  filter = everything();
  filter.text = find("text").value;
  for (const facet of Object.keys(FACETS)) {
    for (const box of form.querySelectorAll(`[data-facet=${facet}] :checked`)) filter[facet].add(box.value);
  }
  filter.occlusion = limits("occlusion", SHARE);
  filter.height = limits("height", 1);
  refresh();
}

/** A bar was clicked: choose what it stands for, or no longer when that is chosen. */
function pick(facet, value) {
  if (Array.isArray(value)) {
    const [low, high] = range(facet);
    const scale = facet === "occlusion" ? SHARE : 1;
    const wanted = [`${value[0] * scale}`, `${Math.min(value[1] * scale, Number(high.defaultValue))}`].map(trimmed);
    const same = low.value === wanted[0] && high.value === wanted[1];
    [low.value, high.value] = same ? [low.defaultValue, high.defaultValue] : wanted;
  } else {
    const boxes = [...form.querySelectorAll(`[data-facet=${facet}] input`)];
    const alone = boxes.every((box) => box.checked === (box.value === value));
    for (const box of boxes) box.checked = !alone && box.value === value;
  }
  read();
}

const trimmed = (text) => `${Number(Number(text).toFixed(2))}`;

form.addEventListener("input", read);
form.addEventListener("submit", (event) => event.preventDefault());
for (const button of document.querySelectorAll("button.all")) {
  button.addEventListener("click", () => {
    form.reset();
    read();
  });
}
find("sort").addEventListener("change", refresh);
find("tile-size").addEventListener("input", (event) => {
  find("tiles").style.setProperty("--tile", `${event.target.value}px`);
});

// ---- what is drawn ----

const LAYERS = {
  boxes: frames.some((frame) => frame.objects.length),
  masks: frames.some((frame) => frame.objects.some((object) => object.outline)),
  depth: frames.some((frame) => frame.depth),
  keypoints: frames.some((frame) => frame.objects.some((object) => object.keypoints.length)),
};

function toggle(layer, on = !document.body.classList.contains(`show-${layer}`)) {
  document.body.classList.toggle(`show-${layer}`, on);
  for (const button of document.querySelectorAll(`[data-layer=${layer}]`)) button.setAttribute("aria-pressed", on);
}

for (const [layer, there] of Object.entries(LAYERS)) {
  toggle(layer, there && layer === "boxes");
  for (const button of document.querySelectorAll(`[data-layer=${layer}]`)) {
    button.disabled = !there;
    if (!there) button.title = ["depth", "keypoints"].includes(layer) ? ASK(layer) : "No object in these frames";
    button.addEventListener("click", () => toggle(layer));
  }
}

document.addEventListener("keydown", (event) => {
  if (event.target.closest("input, select, textarea") || event.ctrlKey || event.metaKey || event.altKey) return;
  const layer = Object.keys(LAYERS).find((name) => name[0] === event.key);
  if (layer && LAYERS[layer]) toggle(layer);
  if (event.key === "/" && !document.querySelector("dialog[open]")) {
    event.preventDefault();
    find("text").focus();
  }
});

// ---- what is under the pointer ----

const tip = find("tip");

document.addEventListener("pointermove", (event) => {
  const group = event.target.closest?.(".object");
  tip.hidden = !group;
  if (!group) return;
  const dialog = group.closest("dialog");
  const number = dialog ? Number(location.hash.split("=")[1]) : Number(group.closest(".tile").dataset.frame);
  const object = frames.find((frame) => frame.frame === number).objects[group.dataset.object];
  const point = event.target.closest("[data-keypoint]");
  const [first, ...rest] = describe(object);
  tip.replaceChildren(element("b", { style: `--colour: ${colours.get(object.class)}` }, first));
  if (point) tip.append(element("div", {}, `${words(point.dataset.keypoint)}${point.matches(".hidden") ? ", hidden" : ""}`));
  tip.append(...rest.map((line) => element("div", {}, line)));
  // an open dialog lies above everything outside of it
  (dialog ?? document.body).append(tip);
  const { offsetWidth: width, offsetHeight: height } = tip;
  tip.style.left = `${Math.max(0, Math.min(event.clientX + 14, innerWidth - width - 8))}px`;
  tip.style.top = `${event.clientY + 18 + height < innerHeight ? event.clientY + 18 : Math.max(0, event.clientY - height - 10)}px`;
});
document.addEventListener("pointerleave", () => (tip.hidden = true));

// ---- go ----

const wide = matchMedia("(min-width: 900px)");
const unfold = () => {
  for (const panel of document.querySelectorAll(".panel")) panel.open = wide.matches;
};
wide.addEventListener("change", unfold);
unfold();
read();
start(() => rows);
