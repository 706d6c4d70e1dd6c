// Orders devices of Millwright and reads what they used, as a billing system
// would: with Temporal's client and fetch, and nothing of Millwright's own.
import { readFile } from "node:fs/promises";
import { orderByAPI, printUsage } from "./api.js";
import { orderByWorkflow } from "./workflow.js";

const help = `node dist/main.js order-workflow ID INPUT.json
node dist/main.js order-api KEY PROJECT BODY.json
node dist/main.js usage MONTH

TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE: for the first; 127.0.0.1:7233 and default
MILLWRIGHT_API, MILLWRIGHT_TOKEN: for the others; https://host/metal/v1, and a key`;

async function run([command, ...args]: string[]): Promise<void> {
  const [first = "", second = "", third = ""] = args;
  if (command === "order-workflow" && args.length === 2) {
    console.log(await orderByWorkflow(first, JSON.parse(await readFile(second, "utf8"))));
  } else if (command === "order-api" && args.length === 3) {
    console.log(await orderByAPI(first, second, await readFile(third, "utf8")));
  } else if (command === "usage" && args.length === 1) {
    await printUsage(first);
  } else {
    throw new Error(help);
  }
}

run(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
