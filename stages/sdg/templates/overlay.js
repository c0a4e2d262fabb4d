// Pictures with boxes, masks and keypoints over them.
import { colours, element, heightOf, percent, widthOf, words } from "gallery/data";

const SVG = "http://www.w3.org/2000/svg";

/** A frame's picture with everything over it; the body's classes say what of it shows. */
export function stage(frame) {
  const box = element("div", { class: "stage", style: `--ratio: ${frame.width / frame.height}` });
  box.append(element("img", { class: "picture", alt: "", decoding: "async", src: frame.picture }));
  if (frame.depth) box.append(element("img", { class: "depth", alt: "", decoding: "async", src: frame.depth.picture }));
  box.append(overlay(frame));
  return box;
}

/** Draw those objects weakly that are not asked for. */
export function mark(box, frame, asked) {
  for (const group of box.querySelectorAll(".object")) {
    group.classList.toggle("other", !asked.has(frame.objects[group.dataset.object]));
  }
}

/** What there is to say about an object, line by line. */
export function describe(object) {
  return [
    words(object.class),
    `${object.family} ${object.variant}`,
    `${Math.round(widthOf(object))} × ${Math.round(heightOf(object))} pixels, ${object.pixels} visible`,
    `${percent(object.occlusion)} hidden, ${percent(object.truncation)} cut off`,
    `${object.distance.toFixed(1)} m away`,
  ];
}

function overlay(frame) {
  const svg = shape("svg", { class: "overlay", viewBox: `0 0 ${frame.width} ${frame.height}` });
  const area = ({ box: [left, top, right, bottom] }) => (right - left) * (bottom - top);
  // small ones last, so that they can be pointed at
  const order = [...frame.objects.keys()].sort((a, b) => area(frame.objects[b]) - area(frame.objects[a]));
  svg.append(...order.map((index) => drawn(frame.objects[index], index)));
  return svg;
}

function drawn(object, index) {
  const group = shape("g", { class: "object", "data-object": index, style: `--colour: ${colours.get(object.class)}` });
  // outlines are counted from the centre of the top left pixel
  group.append(shape("path", { class: "mask", d: object.outline, transform: "translate(.5 .5)" }));
  group.append(rectangle("loose", object.loose), rectangle("box", object.box));
  for (const [name, x, y, visibility] of object.keypoints) {
    const point = shape("g", { class: visibility > 1 ? "keypoint" : "keypoint hidden", "data-keypoint": name });
    // lines of no length with round ends: dots whose size does not grow with the picture
    point.append(shape("path", { class: "rim", d: `M${x} ${y}h0` }), shape("path", { d: `M${x} ${y}h0` }));
    group.append(point);
  }
  return group;
}

const rectangle = (kind, [x, y, right, bottom]) =>
  shape("rect", { class: kind, x, y, width: Math.max(0, right - x), height: Math.max(0, bottom - y) });

function shape(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}
