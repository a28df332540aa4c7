// The place on a map. The address and a link say the same to who sees no map.
(function () {
  "use strict";
  var place = document.getElementById("map");
  if (!place || !window.L) { return; }
  var at = [Number(place.dataset.latitude), Number(place.dataset.longitude)];
  var map = window.L.map(place, { scrollWheelZoom: false }).setView(at, 15);
  window.L.tileLayer(place.dataset.tiles, { maxZoom: 19, attribution: "© OpenStreetMap" }).addTo(map);
  window.L.circleMarker(at, { radius: 10, color: "#c2410c", weight: 4, fillOpacity: 0.3 }).addTo(map);
})();
