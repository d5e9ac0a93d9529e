// A form with the attribute `data-filter` is sent when something is chosen in it, without what is not chosen.

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-filter] select")) event.target.form.requestSubmit();
});

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("[data-filter]")) return;
  event.preventDefault();
  const chosen = new URLSearchParams([...new FormData(form)].filter(([, value]) => value.trim() !== ""));
  const address = new URL(form.action);
  address.search = chosen.toString();
  location.assign(address);
});
