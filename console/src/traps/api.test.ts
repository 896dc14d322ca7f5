import { expect, it } from "vitest";
import { hexDump } from "./api";

it("shows a packet as hex and text", () => {
  const packet = btoa("0&\x02\x01public\xa7 and so on");
  expect(hexDump(packet).split("\n")).toEqual([
    "0000  30 26 02 01 70 75 62 6c 69 63 a7 20 61 6e 64 20  0&..public. and ",
    "0010  73 6f 20 6f 6e                                   so on",
  ]);
});
