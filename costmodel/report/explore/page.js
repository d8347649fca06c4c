"use strict";
// The controls, the pictures, and the address that keeps what is chosen.

const data = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);
const whole = (number) => number.toLocaleString("en-US");
const svgName = "http://www.w3.org/2000/svg";

const LAYER = ["kernel", "input", "output", "size", "stride", "groups"];
const COLORS = ["--c1", "--c2", "--c3", "--c4", "--c5", "--c6", "--c7"];

/** 239,273,472 as 239.3 M. */
function short(number) {
  for (const [limit, unit] of [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"]]) {
    if (number >= limit) return `${(number / limit).toPrecision(4).replace(/\.?0+$/, "")} ${unit}`;
  }
  return String(number);
}

function element(name, attributes = {}, text = "") {
  const made = document.createElementNS(svgName, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text) made.textContent = text;
  return made;
}

/** The place in `values` that is nearest to `value`. */
function nearest(values, value) {
  return values.reduce((best, other, place) => (Math.abs(other - value) < Math.abs(values[best] - value) ? place : best), 0);
}

function tables() {
  return data.networks[byId("network").value];
}

function chosen() {
  const found = tables();
  const box = byId("classes");
  const classes = Math.round(Number(box.value));
  return {
    alpha: found.alphas.length ? Number(byId("alpha").value) : 0,
    resolution: Number(byId("resolution").value),
    classes: Math.min(Math.max(classes || 1, 1), Number(box.max)),
  };
}

/** Sets the sliders to what the architecture has, near what they were. */
function fit(alpha, resolution) {
  const found = tables();
  byId("alpha").max = Math.max(found.alphas.length - 1, 0);
  byId("alpha").value = found.alphas.length ? nearest(found.alphas, alpha) : 0;
  byId("resolution").max = found.resolutions.length - 1;
  byId("resolution").value = nearest(found.resolutions, resolution);
  byId("alpha").disabled = !found.alphas.length;
  byId("resolution").disabled = found.resolutions.length < 2;
  byId("classes").disabled = !found.has_classes;
}

function choices() {
  const { alpha, resolution, classes } = chosen();
  const found = tables();
  const named = [];
  if (found.alphas.length) named.push(["alpha", found.alphas[alpha]]);
  named.push(["resolution", found.resolutions[resolution]]);
  if (found.has_classes && classes !== found.usual.num_classes) named.push(["num_classes", classes]);
  return named;
}

function showNetwork() {
  const name = byId("network").value;
  const found = tables();
  const place = chosen();
  const cost = networkCost(found, place.alpha, place.resolution, place.classes);
  byId("alpha-value").value = found.alphas.length ? found.alphas[place.alpha] : "fixed";
  byId("resolution-value").value = `${found.resolutions[place.resolution]} px`;
  byId("multiply-adds").textContent = whole(cost.multiplyAdds);
  byId("flops").textContent = `${short(2 * cost.multiplyAdds)}FLOPs`;
  byId("parameters").textContent = whole(cost.parameters);
  byId("weight-bytes").textContent = `${short(4 * cost.parameters)}B at fp32`;
  byId("peak-memory").textContent = whole(cost.peakMemory);
  byId("peak-short").textContent = `${short(cost.peakMemory)}B of activations`;
  byId("source").textContent = found.source;

  const rows = byId("stages");
  rows.replaceChildren();
  found.stages.forEach((stage, number) => {
    const share = cost.multiplyAdds ? (100 * cost.stages[number]) / cost.multiplyAdds : 0;
    const row = rows.insertRow();
    row.insertCell().textContent = stage;
    const bar = document.createElement("span");
    bar.className = "bar";
    bar.style.width = `${share}%`;
    const cellOfBar = row.insertCell();
    cellOfBar.className = "bars";
    cellOfBar.append(bar);
    row.insertCell().textContent = `${share.toFixed(1)} %`;
    row.insertCell().textContent = whole(cost.stages[number]);
  });

  const named = choices();
  const options = named.map(([choice, value]) => ` --${choice.replace("_", "-")} ${value}`).join("");
  byId("command").textContent = `costmodel count ${name}${options}`;
  const given = named.map(([choice, value]) => `, ${choice}=${value}`).join("");
  byId("python").textContent = `costmodel.load("${name}"${given}).multiply_adds`;
  drawTradeoff(name, found, place, cost);
  history.replaceState(null, "", `#${new URLSearchParams([["network", name], ...named.map(([choice, value]) => [choice, value])])}`);
}

function axis(picture, box, ticks, position, label, upright) {
  for (const tick of ticks) {
    const at = position(tick);
    const line = upright ? { x1: box.left, x2: box.right, y1: at, y2: at } : { x1: at, x2: at, y1: box.top, y2: box.bottom };
    picture.append(element("line", { ...line, class: "grid" }));
    const words = upright ? { x: box.left - 6, y: at + 4, "text-anchor": "end" } : { x: at, y: box.bottom + 16, "text-anchor": "middle" };
    picture.append(element("text", words, upright ? String(tick) : short(tick)));
  }
  const title = upright ? { x: box.left - 34, y: box.top - 10, "text-anchor": "start" } : { x: box.right, y: box.bottom + 34, "text-anchor": "end" };
  picture.append(element("text", { ...title, class: "title" }, label));
}

function drawTradeoff(name, found, place, cost) {
  const picture = byId("tradeoff");
  picture.replaceChildren();
  const box = { left: 44, right: 590, top: 26, bottom: 300 };
  const costs = data.points.map((point) => point.multiply_adds).concat(cost.multiplyAdds);
  const low = Math.log10(Math.min(...costs) * 0.8);
  const high = Math.log10(Math.max(...costs) * 1.25);
  const x = (value) => box.left + ((Math.log10(value) - low) / (high - low)) * (box.right - box.left);
  const y = (top1) => box.bottom - ((top1 - 40) / 40) * (box.bottom - box.top);
  const decades = [1e7, 3e7, 1e8, 3e8, 1e9, 3e9, 1e10, 3e10].filter((tick) => Math.log10(tick) > low && Math.log10(tick) < high);
  axis(picture, box, decades, x, "multiply-adds (logarithmic)", false);
  axis(picture, box, [40, 50, 60, 70, 80], y, "top-1 accuracy in %", true);
  const families = [...new Set(data.points.map((point) => point.name))];
  const isChosen = (point) =>
    point.name === name && point.alpha === found.alphas[place.alpha] && point.resolution === found.resolutions[place.resolution] && place.classes === 1000;
  for (const point of data.points) {
    const color = `var(${COLORS[families.indexOf(point.name) % COLORS.length]})`;
    const dot = element("circle", { cx: x(point.multiply_adds), cy: y(point.top1), r: point.name === name ? 4.5 : 3, fill: color, opacity: point.name === name ? 1 : 0.45 });
    dot.append(element("title", {}, `${point.name}, alpha ${point.alpha}, ${point.resolution} px: ${whole(point.multiply_adds)} multiply-adds, ${point.top1} %`));
    picture.append(dot);
  }
  const measured = data.points.find(isChosen);
  const at = x(cost.multiplyAdds);
  picture.append(element("line", { x1: at, x2: at, y1: box.top, y2: box.bottom, class: "chosen" }));
  if (measured) picture.append(element("circle", { cx: at, cy: y(measured.top1), r: 9, class: "ring" }));
  byId("measured").textContent = measured
    ? `${measured.top1} % top-1, measured by ${measured.source}.`
    : "Nobody published an accuracy of this very network; the line stands at its cost.";
  const legend = byId("families");
  legend.replaceChildren();
  families.forEach((family, number) => {
    const entry = document.createElement("li");
    const mark = document.createElement("span");
    mark.className = "mark";
    mark.style.background = `var(${COLORS[number % COLORS.length]})`;
    entry.append(mark, family);
    legend.append(entry);
  });
}

function showLayer() {
  const given = {};
  for (const name of LAYER) given[name] = Math.max(Math.round(Number(byId(name).value)) || 1, 1);
  const cost = layerCost(given);
  byId("layer-error").textContent = cost.error || "";
  byId("layer-numbers").hidden = Boolean(cost.error);
  if (cost.error) return;
  const { kernel, input, output, size, stride, groups } = given;
  byId("layer-output").textContent = `${output} x ${cost.side} x ${cost.side}`;
  byId("layer-macs").textContent = whole(cost.multiplyAdds);
  byId("layer-weights").textContent = whole(cost.weights);
  byId("separable-macs").textContent = whole(cost.separable);
  byId("separable-weights").textContent = whole(cost.separableWeights);
  byId("ratio").textContent = `1/${output} + 1/${kernel * kernel} = ${cost.ratio.toFixed(4)}`;
  const kind = groups > 1 ? `grouped --groups ${groups}` : "conv";
  byId("layer-command").textContent =
    `costmodel layer ${kind} --input ${input}x${size}x${size} --out ${output} --kernel ${kernel} --stride ${stride} --padding same`;
  drawRatio(kernel, output, cost.ratio);
}

function drawRatio(kernel, output, ratio) {
  const picture = byId("curve");
  picture.replaceChildren();
  const box = { left: 44, right: 590, top: 26, bottom: 220 };
  const most = Math.max(1024, output);
  const x = (channels) => box.left + (Math.log2(channels) / Math.log2(most)) * (box.right - box.left);
  const y = (value) => box.bottom - (Math.min(value, 1) / 1) * (box.bottom - box.top);
  axis(picture, box, [1, 4, 16, 64, 256, 1024], x, "output channels N (logarithmic)", false);
  axis(picture, box, [0, 0.25, 0.5, 0.75, 1], y, "cost of separable / standard", true);
  const points = [];
  for (let step = 0; step <= 100; step += 1) {
    const channels = most ** (step / 100);
    points.push(`${x(channels)},${y(1 / channels + 1 / kernel ** 2)}`);
  }
  picture.append(element("polyline", { points: points.join(" "), class: "curve" }));
  picture.append(element("circle", { cx: x(output), cy: y(ratio), r: 6, class: "ring" }));
}

function copy(button) {
  const text = byId(button.dataset.copies).textContent;
  const done = () => {
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 1200);
  };
  if (navigator.clipboard && window.isSecureContext) {
    navigator.clipboard.writeText(text).then(done);
    return;
  }
  getSelection().selectAllChildren(byId(button.dataset.copies)); // a page from disk may not write to the clipboard
  if (document.execCommand("copy")) done();
}

/** What the address says, or the first network. */
function start() {
  const list = byId("network");
  const families = new Map();
  for (const name of Object.keys(data.networks)) {
    const family = name.split(":")[0];
    if (!families.has(family)) families.set(family, []);
    families.get(family).push(name);
  }
  for (const [family, names] of families) {
    const group = names.length > 1 ? list.appendChild(document.createElement("optgroup")) : list;
    if (names.length > 1) group.label = family;
    for (const name of names) group.append(new Option(name, name));
  }
  const asked = new URLSearchParams(location.hash.slice(1));
  list.value = asked.get("network") in data.networks ? asked.get("network") : data.first;
  const usual = tables().usual;
  fit(Number(asked.get("alpha")) || usual.alpha || 1, Number(asked.get("resolution")) || usual.resolution);
  byId("classes").value = Number(asked.get("num_classes")) || usual.num_classes || 1000;
  list.addEventListener("change", () => {
    const { usual: own } = tables();
    fit(own.alpha || 1, own.resolution);
    byId("classes").value = own.num_classes || 1;
    showNetwork();
  });
  for (const id of ["alpha", "resolution", "classes"]) byId(id).addEventListener("input", showNetwork);
  for (const id of LAYER) byId(id).addEventListener("input", showLayer);
  for (const button of document.querySelectorAll("[data-copies]")) button.addEventListener("click", () => copy(button));
  showNetwork();
  showLayer();
}

start();
