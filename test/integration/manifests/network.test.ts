import type { INetworkPolicyPeer, INetworkPolicySpec } from 'kubernetes-models/networking.k8s.io/v1';
import { beforeAll, describe, expect, it } from 'vitest';
import { CLUSTERS, type Rendered, render, selects, whyNot } from './rendered.ts';

const reason = whyNot();
/** Who is no pod of ours: a client outside, or Prometheus. */
const OUTSIDE = {};

describe.skipIf(reason)(`who reaches whom${reason ? ` (skipped: ${reason})` : ''}`, () => {
  describe.each(CLUSTERS)('overlay %s', (overlay) => {
    let rendered: Rendered;
    beforeAll(async () => {
      rendered = await render(overlay);
    });

    const reaches = (from: string | undefined, to: string, port: number): boolean => {
      const target = labelsOf(rendered, to);
      const source = from === undefined ? OUTSIDE : labelsOf(rendered, from);
      const into = allows(rendered, 'Ingress', target, source, port);
      return into && (from === undefined || allows(rendered, 'Egress', source, target, port));
    };

    it('lets the outside in at the public port of the gateway and at the socket port of realtime alone', () => {
      const open: string[] = [];
      for (const { name, template } of rendered.workloads()) {
        const pod = name.split(' ')[1]!;
        for (const { ports = [] } of template.spec!.containers) {
          for (const { containerPort, name: port } of ports) {
            if (reaches(undefined, pod, containerPort)) open.push(`${pod} ${port}`);
          }
        }
      }
      expect(new Set(open)).toEqual(new Set(['gateway web', 'realtime sockets']));
    });

    it('lets the gateway alone reach the HTTP ports of the services', () => {
      for (const to of ['auth', 'history', 'realtime']) {
        expect(reaches('gateway', to, 8080), to).toBe(true);
        for (const from of ['auth', 'history', 'realtime', 'redis'].filter((name) => name !== to)) {
          expect(reaches(from, to, 8080), `${from} to ${to}`).toBe(false);
        }
      }
    });

    it('lets the services alone reach Redis', () => {
      for (const from of ['auth', 'history', 'realtime'])
        expect(reaches(from, 'redis', 6379), from).toBe(true);
      expect(reaches('gateway', 'redis', 6379)).toBe(false);
    });

    it('lets nothing out to the world but questions to DNS', () => {
      for (const { metadata, spec } of rendered.all('NetworkPolicy')) {
        for (const { to, ports } of spec!.egress ?? []) {
          expect(to, metadata.name).not.toHaveLength(0);
          const dns = ports!.every(({ port }) => port === 53);
          for (const peer of to!) if (!peer.podSelector) expect(dns, metadata.name).toBe(true);
        }
      }
    });

    it('names ports that the pods listen on', () => {
      for (const { metadata, spec } of rendered.all('NetworkPolicy')) {
        const listened = rendered
          .workloads()
          .flatMap(({ template }) => template.spec!.containers)
          .flatMap(({ ports = [] }) => ports.map(({ containerPort }) => containerPort));
        for (const { ports = [] } of [...(spec!.ingress ?? []), ...(spec!.egress ?? [])]) {
          for (const { port } of ports) if (port !== 53) expect(listened, metadata.name).toContain(port);
        }
      }
    });
  });

  it('lets Redis replicate and vote among its own in the overlay ha, and the services ask the Sentinels', async () => {
    const rendered = await render('ha');
    const labels = labelsOf(rendered, 'redis');
    for (const port of [6379, 26379]) {
      expect(allows(rendered, 'Ingress', labels, labels, port)).toBe(true);
      expect(allows(rendered, 'Egress', labels, labels, port)).toBe(true);
    }
    for (const name of ['auth', 'history', 'realtime']) {
      const service = labelsOf(rendered, name);
      expect(allows(rendered, 'Egress', service, labels, 26379), name).toBe(true);
      expect(allows(rendered, 'Ingress', labels, service, 26379), name).toBe(true);
    }
    expect(allows(rendered, 'Ingress', labels, labelsOf(rendered, 'gateway'), 26379)).toBe(false);
  });

  it('lets the load test reach what clients reach', async () => {
    const cluster = await render('production');
    const rendered = await render('loadtest');
    const labels = { ...rendered.one('Job', 'loadtest').spec!.template.metadata!.labels };
    expect(allows(rendered, 'Egress', labels, labelsOf(cluster, 'gateway'), 8080)).toBe(true);
    expect(allows(rendered, 'Egress', labels, labelsOf(cluster, 'realtime'), 8081)).toBe(true);
    expect(allows(rendered, 'Egress', labels, labelsOf(cluster, 'redis'), 6379)).toBe(false);
  });
});

function labelsOf(rendered: Rendered, name: string): Record<string, string> {
  const workload = rendered.workloads().find((candidate) => candidate.name.endsWith(` ${name}`));
  return { ...workload!.template.metadata!.labels };
}

/** Whether the policies of one direction let a pod talk to another one: any one that chooses it is enough. */
function allows(
  rendered: Rendered,
  type: 'Ingress' | 'Egress',
  pod: Record<string, string>,
  other: Record<string, string>,
  port: number,
): boolean {
  const policies = rendered
    .all('NetworkPolicy')
    .map(({ spec }) => spec!)
    .filter(({ policyTypes, podSelector }) => policyTypes!.includes(type) && selects(podSelector ?? {}, pod));
  if (policies.length === 0) return true;
  return policies.some((policy) => rulesOf(policy, type).some((rule) => covers(rule, other, port)));
}

interface Rule {
  peers?: INetworkPolicyPeer[];
  ports?: { port?: string | number }[];
}

function rulesOf({ ingress = [], egress = [] }: INetworkPolicySpec, type: 'Ingress' | 'Egress'): Rule[] {
  return type === 'Ingress'
    ? ingress.map(({ from, ports }) => ({ peers: from, ports }))
    : egress.map(({ to, ports }) => ({ peers: to, ports }));
}

function covers({ peers, ports }: Rule, other: Record<string, string>, port: number): boolean {
  if (ports && !ports.some((each) => each.port === port)) return false;
  if (!peers || peers.length === 0) return true;
  return peers.some(
    ({ podSelector, namespaceSelector, ipBlock }) =>
      podSelector !== undefined &&
      namespaceSelector === undefined &&
      ipBlock === undefined &&
      Object.keys(other).length > 0 &&
      selects(podSelector, other),
  );
}
