import { readFileSync } from 'node:fs';
import type { IContainer, IPodSpec, IProbe } from 'kubernetes-models/v1';
import { beforeAll, describe, expect, it } from 'vitest';
import { IMAGE } from '../../../loadtest/run/k6.ts';
import { CLUSTERS, OVERLAYS, type Rendered, render, type Workload, whyNot } from './rendered.ts';

const reason = whyNot();
const SERVICES = ['auth', 'history', 'realtime'];

describe.skipIf(reason)(`what every installation keeps${reason ? ` (skipped: ${reason})` : ''}`, () => {
  describe.each(OVERLAYS)('overlay %s', (overlay) => {
    let workloads: Workload[];
    beforeAll(async () => {
      workloads = (await render(overlay)).workloads();
    });

    function eachPod(check: (pod: IPodSpec, name: string) => void): void {
      expect(workloads).not.toEqual([]);
      for (const { name, template } of workloads) check(template.spec!, name);
    }
    function eachContainer(check: (container: IContainer, name: string) => void): void {
      eachPod((pod, name) => {
        for (const container of [...pod.containers, ...(pod.initContainers ?? [])]) {
          check(container, `${name} ${container.name}`);
        }
      });
    }

    it('keeps the restricted Pod Security Standard, with read-only file systems', () => {
      eachPod((pod, name) => {
        expect(pod.securityContext, name).toMatchObject({
          runAsNonRoot: true,
          seccompProfile: { type: 'RuntimeDefault' },
        });
        expect(pod.securityContext!.runAsUser, name).toBeGreaterThan(0);
        expect(pod.hostNetwork ?? pod.hostPID ?? pod.hostIPC, name).toBeUndefined();
        for (const volume of pod.volumes ?? []) {
          expect(volume.configMap ?? volume.emptyDir, `${name} ${volume.name}`).toBeDefined();
        }
      });
      eachContainer(({ securityContext, ports }, name) => {
        expect(securityContext, name).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        });
        for (const { hostPort } of ports ?? []) expect(hostPort, name).toBeUndefined();
      });
    });

    it('gives no pod a token of the API, and none the variables of Services', () => {
      eachPod((pod, name) => {
        expect(pod.automountServiceAccountToken, name).toBe(false);
        expect(pod.enableServiceLinks, name).toBe(false);
      });
    });

    it('asks for CPU and memory, and limits memory', () => {
      eachContainer(({ resources }, name) => {
        expect(resources?.requests, name).toMatchObject({
          cpu: expect.anything(),
          memory: expect.anything(),
        });
        expect(resources?.limits, name).toMatchObject({ memory: expect.anything() });
        expect(bytes(resources!.limits!.memory!), name).toBeGreaterThanOrEqual(
          bytes(resources!.requests!.memory!),
        );
      });
    });

    it('names a version of every image', () => {
      eachContainer(({ image }, name) => {
        expect(image, name).toMatch(/^[\w./-]+:[\w.-]*\d[\w.-]*$/);
      });
    });
  });

  describe.each(CLUSTERS)('overlay %s', (overlay) => {
    let rendered: Rendered;
    beforeAll(async () => {
      rendered = await render(overlay);
    });

    it('asks every container whether it started, is alive and is ready', () => {
      for (const { name, template } of rendered.workloads()) {
        for (const container of template.spec!.containers) {
          const { startupProbe, livenessProbe, readinessProbe } = container;
          for (const probe of [startupProbe, livenessProbe, readinessProbe]) {
            expect(probe, `${name} ${container.name}`).toBeDefined();
          }
          // Without its own start, a slow one would be killed by the probe of its life.
          expect(seconds(startupProbe!), name).toBeGreaterThanOrEqual(30);
          expect(seconds(livenessProbe!), name).toBeGreaterThanOrEqual(20);
        }
      }
    });

    it('asks only for readiness whether Redis is there', () => {
      for (const name of SERVICES) {
        const [container] = rendered.one('Deployment', name).spec!.template.spec!.containers;
        expect(container!.startupProbe!.httpGet, name).toMatchObject({ path: '/healthz', port: 'http' });
        expect(container!.livenessProbe!.httpGet, name).toMatchObject({ path: '/healthz', port: 'http' });
        expect(container!.readinessProbe!.httpGet, name).toMatchObject({ path: '/readyz', port: 'http' });
      }
    });

    it('replaces a pod only when the new one is ready', () => {
      for (const { metadata, spec } of rendered.all('Deployment')) {
        expect(spec!.strategy, metadata.name).toMatchObject({
          type: 'RollingUpdate',
          rollingUpdate: { maxUnavailable: 0 },
        });
        expect(spec!.minReadySeconds, metadata.name).toBeGreaterThan(0);
      }
    });

    it('spreads the pods of a Deployment over nodes and zones', () => {
      for (const { metadata, spec } of rendered.all('Deployment')) {
        const constraints = spec!.template.spec!.topologySpreadConstraints ?? [];
        expect(constraints.map(({ topologyKey }) => topologyKey)).toEqual([
          'topology.kubernetes.io/zone',
          'kubernetes.io/hostname',
        ]);
        for (const { labelSelector } of constraints) {
          expect(labelSelector, metadata.name).toEqual(spec!.selector);
        }
      }
    });

    it('has a disruption budget for every Deployment, which lets a node be drained', () => {
      for (const { metadata, spec } of rendered.all('Deployment')) {
        const budget = rendered.one('PodDisruptionBudget', metadata.name).spec!;
        expect(budget.selector, metadata.name).toEqual(spec!.selector);
        expect(budget.maxUnavailable, metadata.name).toBe(1);
      }
    });

    it('gives every process the time that its shutdown takes', () => {
      for (const name of SERVICES) {
        const { template } = rendered.one('Deployment', name).spec!;
        const env = configOf(rendered, name);
        const hardEnd = Number(env.SHUTDOWN_TIMEOUT_MS);
        expect(template.spec!.terminationGracePeriodSeconds! * 1000, name).toBeGreaterThanOrEqual(
          hardEnd + 5000,
        );
        // The balancers look once a second or two; a pod that vanishes before they saw it refuses clients.
        expect(Number(env.SHUTDOWN_DELAY_MS ?? env.DRAIN_GRACE_MS), name).toBeGreaterThanOrEqual(5000);
        expect(template.spec!.containers[0]!.lifecycle, `${name} waits by itself`).toBeUndefined();
      }
      const gateway = rendered.one('Deployment', 'gateway').spec!.template.spec!;
      const wait = gateway.containers[0]!.lifecycle!.preStop!.sleep!.seconds;
      const config = readFileSync(new URL('../../../deploy/gateway/haproxy.cfg', import.meta.url), 'utf8');
      const hardStop = Number(/^ {2}hard-stop-after (\d+)s$/m.exec(config)![1]);
      expect(gateway.terminationGracePeriodSeconds).toBeGreaterThan(wait + hardStop);
    });

    it('leaves the paced drain of realtime the time for the sockets of a full pod', () => {
      const env = configOf(rendered, 'realtime');
      const target = 5000;
      const drainMs = (2 * target * 1000) / Number(env.DRAIN_RATE);
      expect(Number(env.DRAIN_GRACE_MS) + drainMs + 5000).toBeLessThanOrEqual(
        Number(env.SHUTDOWN_TIMEOUT_MS),
      );
    });

    it('believes the client address that the gateway tells', () => {
      for (const name of SERVICES) expect(configOf(rendered, name).TRUST_PROXY, name).toBe('true');
    });

    it('replaces pods no faster than DNS tells the gateway of new ones', () => {
      // The ttl of CoreDNS in a cluster made by kubeadm.
      for (const name of SERVICES)
        expect(rendered.one('Deployment', name).spec!.minReadySeconds, name).toBeGreaterThan(30);
    });

    it('labels the pods, and leaves the claims of Redis as they are', () => {
      for (const { name, template } of rendered.workloads())
        expect(template.metadata!.labels, name).toHaveProperty(['app.kubernetes.io/part-of']);
      for (const { metadata } of rendered.one('StatefulSet', 'redis').spec!.volumeClaimTemplates!)
        expect(metadata!.labels).toBeUndefined();
    });

    it('keeps Redis on a volume, appended to a file and never evicted', () => {
      const redis = rendered.one('StatefulSet', 'redis').spec!;
      expect(redis.volumeClaimTemplates!.map(({ metadata }) => metadata!.name)).toEqual(['data']);
      expect(redis.persistentVolumeClaimRetentionPolicy).toEqual({
        whenDeleted: 'Retain',
        whenScaled: 'Retain',
      });
      const config = rendered.all('ConfigMap').find(({ data }) => data?.['redis.conf'])!.data!['redis.conf']!;
      expect(config).toMatch(/^appendonly yes$/m);
      expect(config).toMatch(/^maxmemory-policy noeviction$/m);
      const limit = bytes(redis.template.spec!.containers[0]!.resources!.limits!.memory!);
      const most = bytes(`${/^maxmemory (\d+)gb$/m.exec(config)![1]}Gi`);
      expect(limit, 'room for the copy of a rewrite').toBeGreaterThanOrEqual(2 * most);
    });

    it('keeps the password out of ConfigMaps, arguments and plain variables', () => {
      const secret = rendered.all('Secret')[0]!;
      const password = Buffer.from(secret.data!.REDIS_PASSWORD!, 'base64').toString();
      for (const { name, template } of rendered.workloads()) {
        for (const { args, command, env } of template.spec!.containers) {
          const plain = [...(args ?? []), ...(command ?? []), ...(env ?? []).map(({ value }) => value ?? '')];
          expect(plain, name).not.toContain(password);
          expect(plain.join(' '), name).not.toContain(`:${password}@`);
        }
      }
      for (const { metadata, data } of rendered.all('ConfigMap')) {
        expect(JSON.stringify(data), metadata.name).not.toContain(`"${password}"`);
      }
    });
  });

  describe.each(['production', 'ha'] as const)('overlay %s', (overlay) => {
    let rendered: Rendered;
    beforeAll(async () => {
      rendered = await render(overlay);
    });

    it('scales auth and history on CPU, realtime on sockets and CPU, and takes sockets away slowly', () => {
      const metricsOf = (name: string) =>
        rendered
          .one('HorizontalPodAutoscaler', name)
          .spec!.metrics!.map(({ pods, resource }) => pods?.metric.name ?? resource?.name);
      expect(metricsOf('auth')).toEqual(['cpu']);
      expect(metricsOf('history')).toEqual(['cpu']);
      expect(metricsOf('realtime')).toEqual(['chat_sockets', 'cpu']);
      const { scaleDown } = rendered.one('HorizontalPodAutoscaler', 'realtime').spec!.behavior!;
      expect(scaleDown!.stabilizationWindowSeconds).toBeGreaterThanOrEqual(600);
      expect(scaleDown!.policies).toEqual([{ type: 'Pods', value: 1, periodSeconds: expect.any(Number) }]);
      expect(scaleDown!.policies![0]!.periodSeconds).toBeGreaterThanOrEqual(300);
    });

    it('runs at least two of everything that serves, and leaves their number to the autoscaler', () => {
      for (const { metadata, spec } of rendered.all('Deployment')) {
        const scaler = rendered
          .all('HorizontalPodAutoscaler')
          .find((candidate) => candidate.spec!.scaleTargetRef.name === metadata.name);
        expect(scaler?.spec?.minReplicas ?? spec!.replicas, metadata.name).toBeGreaterThanOrEqual(2);
        if (scaler)
          expect(spec!.replicas, `${metadata.name}: applying would undo the autoscaler`).toBeUndefined();
      }
    });

    it('keeps the client address on both planes and the demo data out', () => {
      for (const name of ['gateway', 'realtime-sockets']) {
        expect(rendered.one('Service', name).spec, name).toMatchObject({
          type: 'LoadBalancer',
          externalTrafficPolicy: 'Local',
        });
      }
      expect(configOf(rendered, 'auth').DEMO_DATA).toBe('false');
      expect(configOf(rendered, 'history').DEMO_DATA).toBe('false');
    });
  });

  it('refuses pods in the namespace that keep less than the restricted standard', async () => {
    for (const overlay of CLUSTERS) {
      const { metadata } = (await render(overlay)).one('Namespace', 'chat');
      expect(metadata.labels).toMatchObject({ 'pod-security.kubernetes.io/enforce': 'restricted' });
    }
  });

  it('can go from one Redis to three: what cannot be changed in a StatefulSet is the same', async () => {
    const [one, three] = await Promise.all(
      (['production', 'ha'] as const).map(
        async (overlay) => (await render(overlay)).one('StatefulSet', 'redis').spec!,
      ),
    );
    for (const field of ['serviceName', 'podManagementPolicy', 'selector', 'volumeClaimTemplates'] as const)
      expect(three![field], field).toEqual(one![field]);
  });

  it('runs the scenarios by the k6 that npm run load takes, through a Service that every overlay has', async () => {
    const loadtest = await render('loadtest');
    const job = loadtest.one('Job', 'loadtest').spec!.template.spec!;
    expect(job.containers[0]!.image).toBe(IMAGE);
    const { BASE_URL, SOCKET_URLS } = loadtest.all('ConfigMap').find(({ data }) => data?.BASE_URL)!.data!;
    for (const overlay of CLUSTERS) {
      const rendered = await render(overlay);
      for (const { hostname, port } of [new URL(BASE_URL!), new URL(SOCKET_URLS!)]) {
        const ports = rendered.one('Service', hostname).spec!.ports!.map((each) => String(each.port));
        expect(ports, `${overlay} ${hostname}`).toContain(port);
      }
    }
  });

  it('runs three Redis on three nodes, two of which outlive any disruption', async () => {
    const rendered = await render('ha');
    const redis = rendered.one('StatefulSet', 'redis').spec!;
    expect(redis.replicas).toBe(3);
    expect(redis.template.spec!.containers.map(({ name }) => name)).toEqual(['redis', 'sentinel']);
    const [rule] =
      redis.template.spec!.affinity!.podAntiAffinity!.requiredDuringSchedulingIgnoredDuringExecution!;
    expect(rule).toEqual({ topologyKey: 'kubernetes.io/hostname', labelSelector: redis.selector });
    expect(rendered.one('PodDisruptionBudget', 'redis').spec).toMatchObject({ maxUnavailable: 1 });
  });
});

/** The environment that a Deployment gets from its ConfigMap. */
function configOf(rendered: Rendered, name: string): Record<string, string> {
  const [container] = rendered.one('Deployment', name).spec!.template.spec!.containers;
  return { ...rendered.one('ConfigMap', container!.envFrom![0]!.configMapRef!.name!).data };
}

/** How long a probe may fail before it counts. */
function seconds({ periodSeconds = 10, failureThreshold = 3 }: IProbe): number {
  return periodSeconds * failureThreshold;
}

function bytes(quantity: string | number): number {
  const [, value, unit] = /^(\d+)(Ki|Mi|Gi)?$/.exec(String(quantity)) ?? [];
  if (!value) throw new Error(`${quantity} is not written as elsewhere`);
  return Number(value) * 1024 ** ['', 'Ki', 'Mi', 'Gi'].indexOf(unit ?? '');
}
