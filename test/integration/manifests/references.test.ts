import { readFileSync } from 'node:fs';
import type { IContainer } from 'kubernetes-models/v1';
import { beforeAll, describe, expect, it } from 'vitest';
import { schema as authSchema } from '../../../services/auth/src/config.ts';
import { schema as historySchema } from '../../../services/history/src/config.ts';
import { configSchema as realtimeSchema } from '../../../services/realtime/src/config.ts';
import { CLUSTERS, OVERLAYS, type Rendered, render, selects, type Workload, whyNot } from './rendered.ts';

const reason = whyNot();
const SCHEMAS = { auth: authSchema, history: historySchema, realtime: realtimeSchema };

describe.skipIf(reason)(`names that refer to each other${reason ? ` (skipped: ${reason})` : ''}`, () => {
  describe.each(OVERLAYS)('overlay %s', (overlay) => {
    let rendered: Rendered;
    beforeAll(async () => {
      rendered = await render(overlay);
    });

    it('finds every ConfigMap, Secret and key that a pod asks for', () => {
      for (const { name, template } of rendered.workloads()) {
        const { containers, volumes = [] } = template.spec!;
        for (const { configMap } of volumes) if (configMap) rendered.one('ConfigMap', configMap.name!);
        for (const { envFrom = [], env = [] } of containers) {
          for (const { configMapRef } of envFrom) rendered.one('ConfigMap', configMapRef!.name!);
          for (const { valueFrom } of env) {
            const key = valueFrom?.secretKeyRef;
            if (key && !key.optional)
              expect(rendered.one('Secret', key.name!).data, name).toHaveProperty(key.key);
          }
        }
      }
    });

    it('has a hash in the name of every ConfigMap and Secret that a pod asks for, so that a change rolls it out', () => {
      for (const { name, template } of rendered.workloads()) {
        const { containers, volumes = [] } = template.spec!;
        const names = [
          ...volumes.flatMap(({ configMap }) => configMap?.name ?? []),
          ...containers.flatMap(({ envFrom = [] }) => envFrom.map(({ configMapRef }) => configMapRef!.name!)),
          ...containers.flatMap(({ env = [] }) =>
            env.flatMap(({ valueFrom }) => valueFrom?.secretKeyRef?.name ?? []),
          ),
        ];
        for (const each of names) expect(each, name).toMatch(/-[a-z0-9]{10}$/);
      }
    });

    it('puts into a variable only what stands before it, as Kubernetes reads them in order', () => {
      for (const { name, template } of rendered.workloads()) {
        for (const { env = [] } of template.spec!.containers) {
          for (const [index, { value = '' }] of env.entries()) {
            const before = env.slice(0, index).map((earlier) => earlier.name);
            for (const [, used] of value.matchAll(/\$\((\w+)\)/g)) expect(before, name).toContain(used);
          }
        }
      }
    });

    it('mounts the volumes that there are, and all of them', () => {
      for (const { name, template } of rendered.workloads()) {
        const { containers, volumes = [] } = template.spec!;
        const mounted = containers.flatMap(({ volumeMounts = [] }) =>
          volumeMounts.map((mount) => mount.name),
        );
        const claims = rendered.all('StatefulSet').flatMap(({ spec }) => spec!.volumeClaimTemplates ?? []);
        const there = [
          ...volumes,
          ...(name.startsWith('StatefulSet') ? claims.map(({ metadata }) => metadata!) : []),
        ];
        expect(new Set(mounted), name).toEqual(new Set(there.map((volume) => volume.name)));
      }
    });

    it('probes ports that the container names', () => {
      for (const { name, template } of rendered.workloads()) {
        for (const container of template.spec!.containers) {
          const named = (container.ports ?? []).map((port) => port.name);
          for (const probe of [container.startupProbe, container.livenessProbe, container.readinessProbe]) {
            const port = probe?.httpGet?.port ?? probe?.tcpSocket?.port;
            if (port !== undefined) expect(named, name).toContain(port);
          }
        }
      }
    });
  });

  describe.each(CLUSTERS)('overlay %s', (overlay) => {
    let rendered: Rendered;
    beforeAll(async () => {
      rendered = await render(overlay);
    });

    it('leads every Service to the named ports of pods', () => {
      for (const { metadata, spec } of rendered.all('Service')) {
        const pods = chosen(rendered, spec!.selector!);
        expect(pods, metadata.name).not.toEqual([]);
        for (const { targetPort } of spec!.ports!) {
          for (const { template } of pods) expect(portNames(template), metadata.name).toContain(targetPort);
        }
      }
    });

    it('matches the pods of every workload by its own selector, and by no other', () => {
      const workloads = [...rendered.all('Deployment'), ...rendered.all('StatefulSet')];
      for (const { metadata, spec } of workloads) {
        const matching = workloads.filter((other) =>
          selects(spec!.selector, { ...other.spec!.template.metadata!.labels }),
        );
        expect(matching.map((other) => other.metadata.name)).toEqual([metadata.name]);
      }
      for (const { spec } of rendered.all('StatefulSet')) {
        expect(rendered.one('Service', spec!.serviceName!).spec!.clusterIP).toBe('None');
      }
    });

    it('points autoscalers and disruption budgets at workloads', () => {
      for (const { spec } of rendered.all('HorizontalPodAutoscaler')) {
        expect(spec!.scaleTargetRef).toMatchObject({ apiVersion: 'apps/v1', kind: 'Deployment' });
        const { containers } = rendered.one('Deployment', spec!.scaleTargetRef.name).spec!.template.spec!;
        expect(containers[0]!.resources!.requests, 'a share of CPU is a share of the request').toHaveProperty(
          'cpu',
        );
      }
      for (const { metadata, spec } of rendered.all('PodDisruptionBudget')) {
        expect(chosen(rendered, spec!.selector!.matchLabels!), metadata.name).toHaveLength(1);
      }
    });

    it.each(Object.entries(SCHEMAS))(
      'gives %s variables that it knows, with values that it takes',
      (name, schema) => {
        const env = environment(rendered, name);
        expect(Object.keys(env).filter((key) => !(key in schema.shape))).toEqual([]);
        expect(schema.safeParse(env).error?.issues ?? []).toEqual([]);
      },
    );

    it('has every service listen where its Services and probes look', () => {
      const env = environment(rendered, 'realtime');
      expect(portOf(rendered, 'realtime', 'sockets')).toBe(Number(env.SOCKET_PORT));
      const dockerfile = readFileSync(new URL('../../../deploy/docker/Dockerfile', import.meta.url), 'utf8');
      const PORT = Number(/^ENV NODE_ENV=.* PORT=(\d+)$/m.exec(dockerfile)![1]);
      for (const name of Object.keys(SCHEMAS)) expect(portOf(rendered, name, 'http'), name).toBe(PORT);
      expect(portOf(rendered, 'gateway', 'web')).toBe(Number(/^ENV PORT=(\d+) /m.exec(dockerfile)![1]));
      expect(environment(rendered, 'gateway').STATS_BIND).toBe(
        `0.0.0.0:${portOf(rendered, 'gateway', 'metrics')}`,
      );
    });

    it('finds Redis, or the pods of its Sentinels, under the names that the services have', () => {
      for (const name of Object.keys(SCHEMAS)) {
        const { REDIS_URL, REDIS_SENTINELS } = environment(rendered, name);
        const url = new URL(REDIS_URL!);
        if (!REDIS_SENTINELS) expect(servicePorts(rendered, url.hostname)).toContain(Number(url.port));
        for (const address of REDIS_SENTINELS?.split(',') ?? []) {
          const [, pod, service, port] = /^redis-(\d)\.([\w-]+):(\d+)$/.exec(address)!;
          expect(Number(pod), address).toBeLessThan(rendered.one('StatefulSet', 'redis').spec!.replicas!);
          expect(servicePorts(rendered, service!), address).toContain(Number(port));
        }
      }
    });

    it('has the headless Services that the gateway asks DNS for', () => {
      const backends = readFileSync(
        new URL('../../../deploy/gateway/backends.kubernetes.cfg', import.meta.url),
        'utf8',
      );
      const lines = [
        ...backends.matchAll(/server-template (\w+)- 1-(\d+) (\w+)\."\$\{GATEWAY_DNS_SUFFIX\}":/g),
      ];
      expect(lines.map(([, , , service]) => service)).toEqual(['auth', 'history', 'realtime']);
      for (const [, , slots, service] of lines) {
        expect(rendered.one('Service', service!).spec!.clusterIP).toBe('None');
        const scaler = rendered
          .all('HorizontalPodAutoscaler')
          .find(({ metadata }) => metadata.name === service);
        // A rollout and pods that end take slots as well.
        expect(Number(slots)).toBeGreaterThan(1.5 * (scaler?.spec?.maxReplicas ?? 3));
      }
      expect(environment(rendered, 'gateway').GATEWAY_DNS_SUFFIX).toBe('$(POD_NAMESPACE).svc.cluster.local');
    });

    it('tells the page the port that the socket plane has outside', () => {
      const env = environment(rendered, 'realtime');
      const [port] = rendered.one('Service', 'realtime-sockets').spec!.ports!;
      expect(env.SOCKET_URL).toBe(`:${port!.port}`);
    });
  });
});

function chosen(rendered: Rendered, labels: Record<string, string>): Workload[] {
  // The pods of a StatefulSet have their own names as a label.
  const { 'statefulset.kubernetes.io/pod-name': pod, ...matchLabels } = labels;
  return rendered.workloads().filter(({ name, template }) => {
    if (pod && name !== `StatefulSet ${pod.replace(/-\d+$/, '')}`) return false;
    return selects({ matchLabels }, { ...template.metadata!.labels });
  });
}

function servicePorts(rendered: Rendered, name: string): number[] {
  return rendered.one('Service', name).spec!.ports!.map(({ port }) => port);
}

function portNames(template: Workload['template']): (string | undefined)[] {
  return template.spec!.containers.flatMap(({ ports = [] }) => ports.map(({ name }) => name));
}

function containerOf(rendered: Rendered, name: string): IContainer {
  return rendered.one('Deployment', name).spec!.template.spec!.containers[0]!;
}

function portOf(rendered: Rendered, name: string, port: string): number {
  return containerOf(rendered, name).ports!.find((candidate) => candidate.name === port)!.containerPort;
}

/** What a container gets, before $(…) is put in. */
function environment(rendered: Rendered, name: string): Record<string, string> {
  const { envFrom = [], env = [] } = containerOf(rendered, name);
  const fromMaps = envFrom.map(({ configMapRef }) => rendered.one('ConfigMap', configMapRef!.name!).data);
  const plain = env.flatMap(({ name: key, value }) => (value === undefined ? [] : [[key, value]]));
  return Object.assign({}, ...fromMaps, Object.fromEntries(plain));
}
