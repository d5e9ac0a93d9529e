// What all pages do with a script. Without it they are read as they are, by links and forms.

import "./filter.js";
import "./keys.js";
import "./live.js";

// What only a script can do is hidden until there is one.
for (const hidden of document.querySelectorAll("button[hidden]")) hidden.hidden = false;
document.documentElement.classList.add("scripted");
