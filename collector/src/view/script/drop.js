// Telemetry that is dropped on any page as files, pasted there as text, or chosen with an element that has the attribute
// `data-import`, is sent to the collector, which keeps it.

let dialog;

function tell(words) {
  dialog ??= document.body.appendChild(document.createElement("dialog"));
  dialog.id = "imported";
  const close = Object.assign(document.createElement("button"), { className: "button small", textContent: "Close" });
  close.addEventListener("click", () => dialog.close());
  dialog.replaceChildren(
    ...words.map((line) => Object.assign(document.createElement("p"), { textContent: line })),
    close,
  );
  if (!dialog.open) dialog.showModal();
}

function told(name, { error, fault, spans, log_records: logs, data_points: points, passed_over: passed, refused }) {
  const parts = [`${spans} spans`, `${logs} log records`, `${points} data points`];
  if (error) return [`${name}: ${error}`];
  const lines = [`${name}: ${spans + logs + points > 0 ? parts.join(", ") : "no telemetry in it; it should be OTLP in JSON"}`];
  if (refused > 0) lines.push(`Not taken: ${refused}. ${fault}`);
  if (passed > 0 && spans + logs + points > 0) lines.push(`Passed over what is no telemetry: ${passed}`);
  return lines;
}

async function send(files) {
  const lines = [];
  for (const file of files) {
    tell([...lines, `${file.name} …`]);
    try {
      const answer = await fetch("/api/import", { method: "POST", body: file });
      const kind = answer.headers.get("content-type") ?? "";
      lines.push(...told(file.name, kind.includes("json") ? await answer.json() : { error: await answer.text() }));
    } catch {
      lines.push(`${file.name}: the collector does not answer`);
    }
  }
  tell(lines);
}

const hasFiles = (event) => event.dataTransfer?.types.includes("Files");

document.addEventListener("dragover", (event) => {
  if (hasFiles(event)) event.preventDefault();
});

document.addEventListener("drop", (event) => {
  if (!hasFiles(event)) return;
  event.preventDefault();
  send([...event.dataTransfer.files]);
});

document.addEventListener("paste", (event) => {
  const text = event.clipboardData?.getData("text/plain") ?? "";
  // What is pasted into a field is for the field.
  if (event.target.matches?.("input, textarea") || !/"resource(Spans|Logs|Metrics)"/.test(text)) return;
  event.preventDefault();
  send([new File([text], "pasted")]);
});

document.addEventListener("change", (event) => {
  if (!event.target.matches("[data-import]")) return;
  send([...event.target.files]);
  event.target.value = "";
});
