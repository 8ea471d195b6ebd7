import type { Cluster } from '../harness/cluster.ts';

interface Replica {
  serverId: string;
  url: string;
}

/** The sum of a metric of a process over all its labels that fit; 0 when it has none. */
export async function metricOf(url: string, name: string, labels = ''): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  let sum = 0;
  for (const line of text.split('\n')) {
    const [series = '', value = ''] = line.split(' ');
    if ((series === name || series.startsWith(`${name}{`)) && series.includes(labels)) sum += Number(value);
  }
  return sum;
}

/** Counts repairs of the replicas from now on; those of a replica that died meanwhile are lost with it. */
export async function repairsOf(cluster: Cluster): Promise<() => Promise<number>> {
  const before = new Map<string, number>();
  const read = ({ url }: Replica) => metricOf(url, 'chat_repairs_total');
  for (const replica of cluster.realtime) before.set(replica.serverId, await read(replica));
  return async () => {
    let sum = 0;
    for (const replica of cluster.realtime) {
      if (replica.running) sum += (await read(replica)) - (before.get(replica.serverId) ?? 0);
    }
    return sum;
  };
}
