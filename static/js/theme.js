// Light, dark, or as the system: kept in this browser, set before the first paint.

(() => {
  const root = document.documentElement;

  const apply = (theme) => {
    if (theme) root.dataset.theme = theme;
    else delete root.dataset.theme;
    for (const button of document.querySelectorAll("[data-theme-choice]")) {
      button.setAttribute("aria-pressed", String(button.dataset.themeChoice === theme));
    }
  };
  const chosen = () => localStorage.getItem("shoal.theme") ?? "";

  apply(chosen());
  document.addEventListener("DOMContentLoaded", () => apply(chosen()));
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-theme-choice]");
    if (button) {
      localStorage.setItem("shoal.theme", button.dataset.themeChoice);
      apply(button.dataset.themeChoice);
    }
    const menu = document.querySelector("details.menu[open]");
    if (menu && (button || !menu.contains(event.target))) menu.open = false;
  });
  document.addEventListener("keydown", (event) => {
    const menu = document.querySelector("details.menu[open]");
    if (event.key === "Escape" && menu) {
      event.preventDefault(); // it means the menu alone
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });
})();
