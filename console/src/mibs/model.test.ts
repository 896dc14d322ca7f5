import { expect, it } from "vitest";
import type { Loaded } from "./api";
import { instanceOf, problemsOf, verbFor } from "./model";

it("lists what could not be read, files before definitions", () => {
  const loaded: Loaded = {
    msg: "", failed: [{ file: "notes.txt", reason: "Holds no module.", line: 0 }],
    modules: [{ id: "1", mib_name: "ACME-MIB", mib_file: "acme.mib", status: "partial", object_count: 3, notification_count: 0, missing: [], problems: [{ line: 12, reason: "has no syntax", definition: "acmeTemp" }] }],
  };
  expect(problemsOf([loaded])).toEqual([{ file: "notes.txt", line: 0, reason: "Holds no module." }, { file: "acme.mib", line: 12, reason: "acmeTemp: has no syntax" }]);
});

it("gets scalars and walks the rest", () => {
  expect(["scalar", "table", "column", "node"].map(verbFor)).toEqual(["get", "walk", "walk", "walk"]);
});

it("sets the instance of a scalar, and of a column the row that is typed", () => {
  expect([instanceOf("1.3.6.1.2.1.1.5", "scalar"), instanceOf("1.3.6.1.2.1.1.5.0", "scalar"), instanceOf("1.3.6.1.2.1.2.2.1.7", "column")]).toEqual(["1.3.6.1.2.1.1.5.0", "1.3.6.1.2.1.1.5.0", "1.3.6.1.2.1.2.2.1.7"]);
});
