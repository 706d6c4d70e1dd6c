import { setTimeout as pause } from "node:timers/promises";

const base = (process.env.MILLWRIGHT_API ?? "http://127.0.0.1:8080/metal/v1").replace(/\/$/, "");

interface Device {
  id: string;
  state: string;
}

// orderByAPI creates a device as any client of the API does. The key is the
// billing system's own: sent again with the same body, it finds the same device.
export async function orderByAPI(key: string, project: string, body: string): Promise<string> {
  let device = await ask<Device>("POST", `/projects/${encodeURIComponent(project)}/devices`, { key, body });
  while (device.state !== "active") {
    if (device.state === "failed") {
      throw new Error(`device ${device.id} has failed`);
    }
    await pause(1000);
    device = await ask<Device>("GET", `/devices/${device.id}`);
  }
  return device.id;
}

// A record is the same whenever its period is asked for; prices are the billing
// system's. Bytes may be more than a number holds exactly, from 9 PB: read them
// as bigint where that can be.
interface Record {
  id: string;
  kind: "device" | "address" | "hardware" | "egress";
  project: string;
  plan?: string;
  seconds: number;
  count: number;
  unit: string;
  bytes: number;
}

// printUsage takes each record once, by its id: a system that keeps them may ask
// for a month as often as it likes, and write each record over itself.
export async function printUsage(month: string): Promise<void> {
  const report = await ask<{ final: boolean; records: Record[] }>("GET", `/usages?month=${encodeURIComponent(month)}`);
  for (const u of report.records) {
    console.log([u.id, u.project, u.kind, u.plan ?? "", `${u.seconds} s of ${u.count} ${u.unit}`, `${u.bytes} bytes`].join("\t"));
  }
  if (!report.final) {
    console.log("the month is not over: no invoice yet");
  }
}

async function ask<T>(method: string, path: string, given: { key?: string; body?: string } = {}): Promise<T> {
  const headers: { [name: string]: string } = { "X-Auth-Token": process.env.MILLWRIGHT_TOKEN ?? "", "Content-Type": "application/json" };
  if (given.key !== undefined) {
    headers["Idempotency-Key"] = given.key;
  }
  const answer = await fetch(base + path, { method, headers, body: given.body });
  if (!answer.ok) {
    throw new Error(`${method} ${path}: ${answer.status}: ${await answer.text()} (request ${answer.headers.get("X-Request-Id")})`);
  }
  return (await answer.json()) as T;
}
