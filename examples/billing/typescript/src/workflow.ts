import { Client, Connection } from "@temporalio/client";

interface Begun {
  device: string;
  run: string; // workflow ID of the device's own run
  state: "started" | "done" | "failed";
  outcome?: string;
}

// orderByWorkflow starts an Order under an ID of the billing system's own. The
// same ID again finds the first outcome, so whoever does not know whether it
// ordered orders again. It gives the device's ID once its run has ended well.
export async function orderByWorkflow(id: string, input: unknown): Promise<string> {
  const connection = await Connection.connect({ address: process.env.TEMPORAL_ADDRESS ?? "127.0.0.1:7233" });
  try {
    const client = new Client({ connection, namespace: process.env.TEMPORAL_NAMESPACE ?? "default" });
    // No timeouts: one would close the run without any cleanup.
    const order = await client.workflow.start("Order", {
      taskQueue: "control",
      workflowId: `order/${id}`,
      workflowIdConflictPolicy: "USE_EXISTING",
      args: [input],
    });
    const begun: Begun = await order.result();
    if (begun.state === "started") {
      await client.workflow.getHandle(begun.run).result();
    }
    return begun.device;
  } finally {
    await connection.close();
  }
}
