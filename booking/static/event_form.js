// The description's preview without leaving the page. Without this script the same button sends the form and changes nothing.
(function () {
  "use strict";
  var problems = document.getElementById("problems");
  if (problems) { problems.focus(); }
  var form = document.getElementById("event-form");
  var button = document.getElementById("preview-button");
  var preview = document.getElementById("preview");
  if (!form || !button || !preview || !window.fetch || !window.DOMParser) { return; }
  if (!preview.hidden) { preview.focus(); }

  button.addEventListener("click", function (event) {
    if (button.dataset.plain) { return; }
    event.preventDefault();
    var fields = new FormData(form);
    fields.set("preview", "1");
    fetch(form.action, { method: "POST", body: fields, credentials: "same-origin" })
      .then(function (answer) { return answer.ok ? answer.text() : Promise.reject(new Error(String(answer.status))); })
      .then(function (page) {
        var shown = new DOMParser().parseFromString(page, "text/html").getElementById("preview");
        preview.replaceChildren.apply(preview, Array.from(document.importNode(shown, true).childNodes));
        preview.hidden = false;
        preview.focus();
      })
      .catch(function () {
        button.dataset.plain = "1";
        button.click();
      });
  });
})();
