// Says that acts wait in this browser, why, and what lets them go.

import { count } from "./html.js";
import { OtherAccount } from "./outbox.js";
import { toast } from "./toasts.js";

export const tellDelayed = ({ error, n }) => {
  const kept = `${count(n, "act")} kept in this browser`;
  const said = { kind: "warn", key: "delayed" };
  if (error instanceof OtherAccount) {
    const action = { text: `Go on as ${error.name}`, run: () => location.reload() };
    toast(`${error.message} ${kept} for who made ${n === 1 ? "it" : "them"}: sent when they log in again.`, { ...said, action });
  } else if (error.needsLogin) {
    const link = { href: "/login", target: "_blank", text: "Log in" };
    toast(`Your session has ended. ${kept}: log in in another tab and come back.`, { ...said, link });
  } else {
    toast(`${error.message} ${kept}, sent again by itself.`, said);
  }
};
