// What the controls of one condition say, as the address writes it, and back.

const RANGES = new Set(["range", "number", "dates", "times"]);
const SIDES = ["south", "west", "north", "east"];

// The texts that stand in the address; none where nothing was said.
export const read = (part) => {
  const { kind } = part.dataset;
  if (kind === "choices" || kind === "months") return [...part.querySelectorAll(":checked")].map((box) => box.value);
  if (RANGES.has(kind)) {
    const [lo, hi] = ends(part);
    return lo || hi ? [`${lo}..${hi}`] : [];
  }
  if (kind === "box") return sides(part).every((value) => value !== "") ? [sides(part).join(",")] : [];
  if (kind === "text") {
    const chosen = part.querySelector(":checked").value;
    const text = part.querySelector("[data-text]").value;
    return chosen !== "~" ? [chosen] : text ? [`~${text}`] : [];
  }
  if (kind === "words") {
    const text = part.querySelector("[data-text]").value;
    const how = part.querySelector("[data-how]").value;
    return text || how === "=" ? [`${how}${text}`] : [];
  }
  return [];
};

// Writes into the controls what the address says; `value`: the name that the chip shows.
export const fill = (part, raws, value) => {
  const { kind } = part.dataset;
  const raw = raws[0] ?? "";
  if (kind === "choices" || kind === "months") {
    for (const box of part.querySelectorAll("input")) box.checked = raws.includes(box.value);
  } else if (RANGES.has(kind)) {
    fillRange(part, raw);
    showSlides(part);
  } else if (kind === "box") {
    const numbers = raw.split(",");
    SIDES.forEach((side, i) => (part.querySelector(`[data-side=${side}]`).value = numbers[i] ?? ""));
  } else if (kind === "text") fillText(part, raw);
  else if (kind === "words") {
    part.querySelector("[data-how]").value = raw.startsWith("=") ? "=" : "~";
    part.querySelector("[data-text]").value = raw.slice(1);
  } else if (kind === "taxon") {
    const field = part.querySelector("taxon-field");
    if (raw) field.choose({ id: Number(raw), display_name: value });
    else field.clear();
    const withChildren = part.querySelector("[name=with-children]");
    if (withChildren) withChildren.checked = new URLSearchParams(location.search).get("children") !== "0";
  } else part.querySelector("choice-field").text = raw ? value : "";
};

const fillRange = (part, raw) => {
  const [lo = "", hi = lo] = raw.replace(/^=/, "").split("..");
  for (const [end, said] of [["lo", lo], ["hi", hi]]) {
    const [day, time = ""] = part.dataset.kind === "dates" ? said.split("T") : [said];
    part.querySelector(`[data-${end}]`).value = day;
    const clock = part.querySelector(`[data-${end}-time]`);
    if (clock) clock.value = time;
  }
};

// A slider of a range from 0 to 1 says what stands in the field above it; at its end the field is open.
export const slid = (slider) => {
  const field = slider.closest("[data-for]").querySelector(`[data-${slider.dataset.slides}]`);
  field.value = slider.value === slider.dataset.open ? "" : slider.value;
};

export const showSlides = (part) => {
  for (const slider of part.querySelectorAll("[data-slides]")) {
    slider.value = part.querySelector(`[data-${slider.dataset.slides}]`).value || slider.dataset.open;
  }
};

const fillText = (part, raw) => {
  const chosen = raw.startsWith("~") ? "~" : raw;
  for (const radio of part.querySelectorAll("[type=radio]")) radio.checked = radio.value === chosen;
  if (!part.querySelector(":checked")) part.querySelector("[type=radio]").checked = true;
  part.querySelector("[data-text]").value = raw.startsWith("~") ? raw.slice(1) : "";
  part.querySelector("[data-text]").oninput = () => (part.querySelector('[value="~"]').checked = true);
};

// From and to, each "" where it is open.
const ends = (part) =>
  ["lo", "hi"].map((end) => {
    const day = part.querySelector(`[data-${end}]`).value;
    const time = part.querySelector(`[data-${end}-time]`)?.value;
    return day && time ? `${day}T${time}` : day;
  });

const sides = (part) => SIDES.map((side) => part.querySelector(`[data-side=${side}]`).value);

// Why nothing can be meant by what the controls say; "" where something can.
export const faultOf = (part) => {
  const { kind } = part.dataset;
  if (part.querySelector("input:invalid")) return part.querySelector("input:invalid").validationMessage;
  if (kind === "range" || kind === "number") {
    const [lo, hi] = ends(part);
    if (lo !== "" && hi !== "" && Number(lo) > Number(hi)) return `No number is both from ${lo} and up to ${hi}: change one of them.`;
  }
  if (kind === "dates") {
    const [lo, hi] = ends(part);
    if (lo && hi && lo.slice(0, hi.length) > hi) return `No day is both from ${lo} and until ${hi}: change one of them.`;
    if ([...part.querySelectorAll("[type=time]")].some((clock) => clock.value && !clock.closest("fieldset").querySelector("[type=date]").value)) {
      return "A time needs its day.";
    }
  }
  if (kind === "times") {
    const [lo, hi] = ends(part);
    if (Boolean(lo) !== Boolean(hi)) return "A time of day needs both ends.";
  }
  if (kind === "box") return boxFault(part);
  return "";
};

const boxFault = (part) => {
  const [south, , north] = sides(part);
  const said = sides(part).filter((value) => value !== "").length;
  if (said && said < 4) return "A box needs all four sides.";
  return said && Number(south) > Number(north) ? `South (${south}°) lies north of north (${north}°): change one of them.` : "";
};

// What goes round: past midnight, or over the date line. Draws the box too.
export const noteOf = (part) => {
  if (part.dataset.kind === "box") return drawBox(part);
  const [lo, hi] = ends(part);
  if (!lo || !hi) return "Where the first is later than the second, it goes past midnight.";
  return lo > hi ? `From ${lo} past midnight to ${hi} of the next day.` : "";
};

const drawBox = (part) => {
  const [south, west, north, east] = sides(part).map(Number);
  const rects = part.querySelectorAll("rect.box");
  const isWhole = sides(part).every((value) => value !== "") && south <= north;
  const parts = !isWhole ? [] : west <= east ? [[west, east]] : [[west, 180], [-180, east]];
  rects.forEach((rect, i) => {
    const [from, to] = parts[i] ?? [0, 0];
    for (const [name, value] of Object.entries({ x: from, width: Math.max(to - from, 0), y: -north || 0, height: Math.max(north - south, 0) || 0 })) {
      rect.setAttribute(name, isWhole ? value : 0);
    }
  });
  return isWhole && west > east ? "West lies east of east: the box crosses the date line." : "";
};
