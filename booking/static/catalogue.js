// On a desk the filters stand open beside the results; on a phone they wait behind their button.
(function () {
  "use strict";
  var filters = document.getElementById("filters");
  if (filters && window.matchMedia("(min-width: 56.25em)").matches) { filters.open = true; }
})();
