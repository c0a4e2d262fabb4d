// One frame, large: its labels, its tags, its plan, and how to render it again.
import { byNumber, colours, element, heightOf, percent, planText, words } from "gallery/data";
import { mark, stage } from "gallery/overlay";
import { tree } from "gallery/tree";

const dialog = document.getElementById("viewer");
const part = (selector) => dialog.querySelector(selector);
let shown = null;

/**
 * Open the frame that the address names, now and whenever it changes.
 *
 * `rows()` gives the rows of the page in their order: the arrow keys go along them.
 */
export function start(rows) {
  const follow = () => {
    const frame = byNumber.get(Number(/^#frame=(\d+)$/.exec(location.hash)?.[1] ?? NaN));
    if (frame) open(frame, rows());
    else if (dialog.open) dialog.close();
  };
  const step = (by) => {
    const order = rows().map((row) => row.frame);
    const next = order[order.indexOf(shown) + by];
    if (!next) return;
    history.replaceState(null, "", `#frame=${next.frame}`);
    open(next, rows());
  };
  window.addEventListener("hashchange", follow);
  dialog.addEventListener("close", () => {
    if (location.hash) history.replaceState(null, "", location.pathname + location.search);
    const tile = document.querySelector(`.tile[data-frame="${shown.frame}"]`);
    tile?.focus();
    tile?.scrollIntoView({ block: "nearest" });
  });
  dialog.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (event.target === dialog || button?.matches("[data-close]")) dialog.close();
    else if (button?.dataset.step) step(Number(button.dataset.step));
    else if (button?.dataset.copy) copy(button);
  });
  dialog.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    step(by);
  });
  dialog.addEventListener("pointerover", (event) => point(event.target.closest("[data-object]")?.dataset.object));
  follow();
}

function open(frame, rows) {
  shown = frame;
  const place = rows.findIndex((row) => row.frame === frame);
  part("h2").replaceChildren(
    `Frame ${frame.frame} `,
    element("small", {}, `${words(frame.scenario)}, ${frame.split}, ${frame.width} × ${frame.height}`),
  );
  part(".place").textContent = place < 0 ? "not in the filter" : `${place + 1} of ${rows.length}`;
  part("[data-step='-1']").disabled = place <= 0;
  part("[data-step='1']").disabled = place < 0 || place === rows.length - 1;
  const picture = stage(frame);
  mark(picture, frame, place < 0 ? new Set(frame.objects) : rows[place].objects);
  part(".view").replaceChildren(picture);
  if (frame.depth) part(".view").append(scale(frame.depth));
  part(".command").textContent = frame.command;
  part(".number").textContent = frame.objects.length || "";
  part(".objects").replaceChildren(table(frame));
  part(".tags").replaceChildren(
    ...Object.entries(frame.tags).map(([name, value]) =>
      element("div", {}, element("dt", {}, words(name)), element("dd", {}, `${value}`)),
    ),
  );
  showPlan(frame);
  if (!dialog.open) dialog.showModal();
  part(".facts").scrollTop = 0;
}

async function showPlan(frame) {
  const place = part(".plan");
  const button = part("[data-copy='plan']");
  place.replaceChildren();
  button.hidden = true;
  const text = await planText(frame);
  if (shown !== frame) return;
  button.hidden = text === null;
  place.replaceChildren(text === null ? "These frames are unfinished: there are no plans yet." : tree(JSON.parse(text), "plan", true));
}

function scale({ near, far }) {
  const bar = element("p", { class: "scale" }, element("span", {}, `${near.toFixed(1)} m`), element("i"));
  bar.append(element("span", {}, `${far.toFixed(1)} m`));
  return bar;
}

function table(frame) {
  if (!frame.objects.length) return element("p", {}, "Nothing is labelled here.");
  const head = ["class", "height", "hidden", "cut off", "metres"];
  const body = element("tbody");
  const order = [...frame.objects.keys()].sort((a, b) => frame.objects[a].distance - frame.objects[b].distance);
  for (const index of order) {
    const object = frame.objects[index];
    const cells = [
      Math.round(heightOf(object)), percent(object.occlusion), percent(object.truncation), object.distance.toFixed(1),
    ];
    const row = element("tr", { "data-object": index });
    const swatch = element("i", { class: "swatch", style: `--colour: ${colours.get(object.class)}` });
    const family = object.family === object.class ? [] : [element("small", {}, words(object.family))];
    row.append(element("td", { title: words(object.family) }, swatch, words(object.class), ...family));
    row.append(...cells.map((cell) => element("td", {}, `${cell}`)));
    body.append(row);
  }
  const titles = element("tr", {}, ...head.map((text) => element("th", { scope: "col" }, text)));
  return element("table", {}, element("thead", {}, titles), body);
}

/** Set an object off, in the picture and in the table. */
function point(index) {
  for (const item of dialog.querySelectorAll("[data-object]")) {
    item.classList.toggle("pointed", index !== undefined && item.dataset.object === index);
  }
}

async function copy(button) {
  const text =
    button.dataset.copy === "command" ? shown.command : JSON.stringify(JSON.parse(await planText(shown)), null, 2);
  await toClipboard(text);
  button.textContent = "Copied";
  setTimeout(() => (button.textContent = "Copy"), 1500);
}

async function toClipboard(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // not every browser lends the clipboard to pages that are files
    const area = element("textarea", { class: "off-screen" });
    area.value = text;
    dialog.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}
