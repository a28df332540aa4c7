// Totals follow as one types. Without this script the form says the same in its hints and after sending.
(function () {
  "use strict";
  var problems = document.getElementById("problems");
  if (problems) { problems.focus(); }
  var form = document.getElementById("booking");
  if (!form) { return; }
  var send = document.getElementById("send");
  var sent = false;
  form.addEventListener("submit", function (event) {
    if (sent) { event.preventDefault(); return; }
    sent = true;
    if (send) { send.setAttribute("aria-disabled", "true"); }
  });
  window.addEventListener("pageshow", function () { sent = false; if (send) { send.removeAttribute("aria-disabled"); } });

  var total = document.getElementById("total");
  var pupils = document.getElementById("pupils");
  var adults = document.getElementById("adults");
  if (!total || !pupils || !adults) { return; }
  var output = document.getElementById("total-places");
  var word = document.getElementById("total-word");
  var missing = document.getElementById("missing");
  var said = total.dataset;
  var remaining = Number(said.remaining);
  var perAdult = Number(said.perAdult);

  function whole(field) {
    var value = field.value.trim();
    return /^[0-9]{1,4}$/.test(value) ? Number(value) : 0;
  }

  function follow() {
    var places = whole(pupils) + (said.countsAdults === "yes" ? whole(adults) : 0);
    total.hidden = places === 0;
    output.textContent = String(places);
    var left = remaining - places;
    var rest = left < 0 ? said.over.replace("{n}", String(-left))
      : (left === 1 ? said.leftOne : said.leftMany.replace("{n}", String(left)));
    word.textContent = (places === 1 ? said.one : said.many) + ", " + rest;
    var wanted = whole(pupils) ? Math.max(1, perAdult ? Math.ceil(whole(pupils) / perAdult) : 1) : 0;
    var short = wanted - whole(adults);
    missing.hidden = !(wanted && adults.value.trim() && short > 0);
    if (!missing.hidden) {
      missing.textContent = (short === 1 ? said.missingOne : said.missingMany.replace("{n}", String(short)))
        .replace("{wanted}", String(wanted));
    }
  }
  pupils.addEventListener("input", follow);
  adults.addEventListener("input", follow);
  follow();
})();
