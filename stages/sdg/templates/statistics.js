// Numbers of what is shown.
import { classes, colours, element, heightOf, several, words } from "gallery/data";

const TENTHS = [...Array(10).keys()].map((tenth) => [tenth / 10, (tenth + 1) / 10]);
const HEIGHTS = [[0, 8], [8, 16], [16, 32], [32, 64], [64, 128], [128, 256], [256, 512], [512, Infinity]];

/**
 * Draw the statistics of some rows.
 *
 * `pick(facet, value)` is called for a bar that is clicked: a name to choose, or a range.
 */
export function draw(place, rows, pick) {
  const objects = rows.flatMap((row) => [...row.objects]);
  const heights = HEIGHTS.slice(0, HEIGHTS.findLastIndex((bin) => objects.some((o) => inside(heightOf(o), bin))) + 1);
  place.replaceChildren(
    totals(rows, objects),
    named("Classes", "classes", count(objects, (object) => object.class, classes.map(({ name }) => name)), pick),
    columns("Box height", "pixels", objects.map(heightOf), heights.length ? heights : HEIGHTS.slice(0, 1), {
      label: ([low, high]) => (high === Infinity ? `${low}+` : `${low}`),
      range: ([low, high]) => (high === Infinity ? `${low} pixels and more` : `${low} to ${high} pixels`),
      pick: ([low, high]) => pick("height", [low, high === Infinity ? Infinity : high - 0.01]),
    }),
    columns("Hidden share", "%", objects.map((object) => object.occlusion), TENTHS, {
      label: ([low]) => `${Math.round(low * 100)}`,
      range: tenth,
      pick: ([low, high]) => pick("occlusion", [low, high < 1 ? high - 0.001 : 1]),
    }),
    columns("Cut off by the picture's edge", "%", objects.map((object) => object.truncation), TENTHS, {
      label: ([low]) => `${Math.round(low * 100)}`,
      range: tenth,
    }),
    columns("Objects in a frame", "", rows.map((row) => row.objects.size), perFrame(rows), {
      label: ([low, high]) => (high === Infinity ? `${low}+` : `${low}`),
      range: ([low, high]) => (high - low <= 1 ? several(low, "object") : `${low} objects and more`),
      unit: "frame",
    }),
    named("Scenarios", "scenarios", count(rows, (row) => row.frame.scenario), pick),
  );
}

const tenth = ([low, high]) => `${Math.round(low * 100)} to ${Math.round(high * 100)} %`;

// The last bin of shares holds 1 itself.
const inside = (value, [low, high]) => value >= low && (value < high || (high === 1 && value <= 1 && low === 0.9));

function perFrame(rows) {
  const most = Math.max(0, ...rows.map((row) => row.objects.size));
  const width = Math.max(1, Math.ceil((most + 1) / 12));
  const bins = [];
  for (let low = 0; low <= most; low += width) bins.push([low, low + width]);
  return bins;
}

function count(items, key, names = []) {
  const found = new Map(names.map((name) => [name, 0]));
  for (const item of items) found.set(key(item), (found.get(key(item)) ?? 0) + 1);
  return [...found].filter(([, number]) => number > 0).sort((a, b) => b[1] - a[1]);
}

function totals(rows, objects) {
  const sorted = objects.map(heightOf).sort((a, b) => a - b);
  const middle = sorted.length ? Math.round(sorted[Math.floor(sorted.length / 2)]) : "–";
  const tiles = { frames: rows.length, objects: objects.length, "median height": middle };
  const list = element("dl", { class: "totals" });
  for (const [name, value] of Object.entries(tiles)) {
    list.append(element("div", {}, element("dt", {}, name), element("dd", {}, `${value}`)));
  }
  return list;
}

function named(title, facet, counts, pick) {
  const most = Math.max(1, ...counts.map(([, number]) => number));
  const figure = element("figure", { class: "named", "data-chart": facet }, element("figcaption", {}, title));
  for (const [name, number] of counts) {
    const bar = element("i", { style: `--share: ${number / most}; --colour: ${colours.get(name) ?? "var(--accent)"}` });
    const row = element("button", { type: "button", title: `Only ${words(name)}` });
    row.append(element("span", {}, words(name)), bar, element("b", {}, `${number}`));
    row.addEventListener("click", () => pick(facet, name));
    figure.append(row);
  }
  if (!counts.length) figure.append(element("small", {}, "none"));
  return figure;
}

function columns(title, unit, values, bins, { label, range, pick, unit: noun = "object" }) {
  const counts = bins.map((bin) => values.filter((value) => inside(value, bin)).length);
  const most = Math.max(1, ...counts);
  const figure = element("figure", { class: "histogram", "data-chart": title });
  figure.append(element("figcaption", {}, title, unit ? `, ${unit}` : ""));
  const bars = element("div", { class: "bars" });
  bins.forEach((bin, index) => {
    const number = counts[index];
    const what = `${range(bin)}: ${several(number, noun)}`;
    const column = element(pick ? "button" : "div", { type: pick && "button", class: "column", title: what });
    column.append(element("b", {}, number ? `${number}` : ""), element("i", { style: `--share: ${number / most}` }));
    column.append(element("span", {}, label(bin)));
    if (pick) {
      column.setAttribute("aria-label", what);
      column.addEventListener("click", () => pick(bin));
    }
    bars.append(column);
  });
  figure.append(bars);
  return figure;
}
