// What all pages do with a script. Without it they are read as they are, by links and forms.

import "./draw.js";
import "./drop.js";
import "./filter.js";
import "./keys.js";
import "./live.js";
import "./swap.js";
import "./trace.js";

// What only a script can do is hidden until there is one.
const reveal = () => document.querySelectorAll("button[hidden]").forEach((button) => (button.hidden = false));

reveal();
document.addEventListener("refreshed", reveal);
document.documentElement.classList.add("scripted");
