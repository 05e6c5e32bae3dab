// Makes elements without markup strings, so that a name can never become markup.

export const element = (name, properties = {}, ...children) => {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key in made && key !== "list") made[key] = value;
    else made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
};

// 6721 as 6 721, with the space that the server uses.
export const thousands = (number) => String(number).replace(/\B(?=(\d{3})+$)/g, "\u202f");

export const count = (number, noun) => `${thousands(number)} ${noun}${number === 1 ? "" : "s"}`;

// As middle_cut of app/templating.py: the end tells names apart as much as the beginning.
export const middleCut = (text, length) => {
  if (text.length <= length) return text;
  const head = Math.floor(length / 2);
  return `${text.slice(0, head)}…${text.slice(text.length - (length - head - 1))}`;
};

// As the macro name_cut of templates/objects/_macros.html: where there is no room, the parent gives way, or the middle.
export const nameCut = (name, italic = false) => {
  const cut = element("span", { className: `name-cut taxon${italic ? " italic" : ""}`, title: name });
  const [own, above] = name.split(/ < (.*)/);
  const part = (text, className) => element("span", className ? { className } : {}, ...breakable(text));
  if (above) cut.append(part(own), part(` < ${above}`, "above"));
  else if (name.length > 12) {
    cut.append(part(name.slice(0, -5)), part(name.slice(-5), "tail"));
    // Its halves would be read as two words: the role gives it one name.
    cut.setAttribute("role", "img");
    cut.setAttribute("aria-label", name);
  }
  else cut.append(part(name));
  return cut;
};

// Where a name may take several lines, it breaks behind its underscores.
const breakable = (text) => text.split("_").flatMap((word, i) => (i ? ["_", element("wbr"), word] : [word]));

export const parseFragment = (text) => new DOMParser().parseFromString(text, "text/html").body;
