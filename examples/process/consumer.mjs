#!/usr/bin/env node
// Adds up prices: a consumer of kind `process`, see consumers/README.md.
import { createInterface } from "node:readline";

const say = (line) => console.log(JSON.stringify(line));
let sum = 0;
for await (const line of createInterface({ input: process.stdin })) {
  const { type, id, body } = JSON.parse(line);
  if (type === "hello") say({ type: "hello" });
  if (type !== "message") continue;
  if (typeof body.msg.price === "number") {
    sum += body.msg.price;
    say({ type: "publish", topic: "sum", msg: sum });
    say({ type: "ack", id });
  } else {
    say({ type: "drop", id, reason: "it has no price" });
  }
}
