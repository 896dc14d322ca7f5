import { expect, it } from "vitest";
import { keyOf, readAttributes, readRules, readSections, writeAttributes, writeRules, writeSections } from "./categoryModel";

it("reads attributes as the server answers them and writes them back", () => {
  const given = [{ key: "poe", label: "Power", kind: "boolean", required: true, section: "Attributes", help: "", choices: [] }, { key: "layer", label: "Layer", kind: "choice", required: false, section: "Attributes", help: "x", choices: ["2", "3"] }];
  expect(writeAttributes(readAttributes(given))).toEqual(given);
  expect(readAttributes([{ label: "Old", choices: [{ id: 1, name: "one" }] }])[0]).toMatchObject({ kind: "text", key: "", choices: ["one"] });
  // A row without a name is still being typed; choices are of choices only.
  expect(writeAttributes([{ key: "", label: " ", kind: "text", required: false, section: "", help: "", choices: [] }])).toEqual([]);
  expect(writeAttributes([{ key: "", label: "Ports", kind: "integer", required: false, section: "", help: "", choices: ["left over"] }])).toEqual([{ label: "Ports", kind: "integer", required: false, help: "", choices: [] }]);
  expect(readAttributes(JSON.stringify(given))).toEqual(readAttributes(given));
  expect(readAttributes("nonsense")).toEqual([]);
});

it("makes keys as the server does", () => {
  expect([keyOf("Power over Ethernet"), keyOf(" 10G  ports! "), keyOf("")]).toEqual(["power_over_ethernet", "10g_ports", ""]);
});

it("reads and writes sections and unique identifiers", () => {
  const sections = [{ name: "Power", fields: [{ field: "poe", required: true }, { field: "model", required: false }] }];
  expect(readSections(sections)).toEqual([{ name: "Power", fields: ["poe", "model"], required: ["poe"] }]);
  expect(writeSections(readSections(sections))).toEqual(sections);
  expect(readSections([{ name: "Loose", fields: ["model"] }])).toEqual([{ name: "Loose", fields: ["model"], required: [] }]);
  expect(readRules([["serial_number"], "uuid", []])).toEqual([["serial_number"], ["uuid"], []]);
  expect(writeRules([["serial_number"], []])).toEqual([["serial_number"]]);
});
