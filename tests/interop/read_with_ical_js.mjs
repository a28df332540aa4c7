// Reads calendar objects with ical.js, as Thunderbird and Nextcloud do. The first argument is where the library is; the rest as
// in read_with_libical.py: objects by name come in as JSON, what was understood of each goes out.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const { default: ICAL } = await import(pathToFileURL(process.argv[2]));
ICAL.design.strict = true;

function read(text) {
  const calendar = new ICAL.Component(ICAL.parse(text));
  return {
    method: calendar.getFirstPropertyValue("method") ?? "",
    problems: [],
    events: calendar.getAllSubcomponents("vevent").map((component) => {
      const event = new ICAL.Event(component);
      return {
        uid: event.uid,
        sequence: event.sequence ?? 0,
        summary: event.summary,
        starts: event.startDate.toUnixTime(),
        ends: event.endDate.toUnixTime(),
        status: component.getFirstPropertyValue("status"),
        organizer: component.getAllProperties("organizer").map((property) => property.getFirstValue()),
        attendees: component.getAllProperties("attendee").map((property) => property.getFirstValue()),
      };
    }),
  };
}

function tried(text) {
  try {
    return read(text);
  } catch (error) {
    return { method: "", problems: [String(error)], events: [] };
  }
}

const objects = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify(Object.fromEntries(Object.entries(objects).map(([name, text]) => [name, tried(text)]))));
