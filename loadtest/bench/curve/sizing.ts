import type { Curve, Knee } from './curve.ts';

/** Share of the knee that a replica should be run at: the rest is for bursts, and for a replica that goes away. */
export const HEADROOM = 0.7;
/** Memory of a replica's container in the Kubernetes manifests, and how much of it sockets may fill. */
const MEMORY_BYTES = 2 ** 30;
const MEMORY_SHARE = 0.7;

/** What a replica can be trusted with, from the knee of one replica. */
export interface Sizing {
  members: number;
  /** Deliveries a second at HEADROOM of the knee. */
  deliveriesPerSecond: number;
  /** Share of a core that it takes there: what an autoscaler should aim at. */
  cpuTarget: number;
  /** Sockets when each receives one message a second, or five. */
  socketsAtOne: number;
  socketsAtFive: number;
}

/** Sockets that fit into a replica's memory while they are idle. */
export function socketsByMemory({ bytesPerSocket, residentBefore }: Curve): number {
  return Math.floor((MEMORY_BYTES * MEMORY_SHARE - residentBefore) / bytesPerSocket);
}

export function sizing(curve: Curve): Sizing[] {
  const most = socketsByMemory(curve);
  return curve.knees.filter(({ replicas }) => replicas === 1).map((knee) => sizeOf(knee, most));
}

function sizeOf({ members, ...knee }: Knee, most: number): Sizing {
  const deliveriesPerSecond = HEADROOM * knee.deliveriesPerSecond;
  return {
    members,
    deliveriesPerSecond,
    cpuTarget: HEADROOM * knee.serverCores,
    socketsAtOne: Math.min(most, Math.floor(deliveriesPerSecond)),
    socketsAtFive: Math.min(most, Math.floor(deliveriesPerSecond / 5)),
  };
}
